/// Makes the index of a block.
#pragma once

#include <vector>

#include "csv/block_index.hpp"
#include "csv/record_reader.hpp"

namespace csvmill {

/// Every block gives the same records with any processor, and however it is divided into parts.
class BlockIndexer {
public:
    /// `vectors`: whether vector instructions may be used, where the processor has them.
    BlockIndexer(const RecordReader& reader, KeptFields kept, bool vectors = true);

    /// Indexes `data` from `begin`, where a record begins. `final`: the file ends with the data,
    /// which must be followed by 64 readable bytes.
    void index(Bytes data, std::size_t begin, bool final, BlockIndex& to) const;

    /// Indexes the regular records from `begin` on, up to the first irregularity, or a little less.
    /// Returns where the plain reader has read beyond it; the end of the index if there is none.
    std::size_t index_regular(Bytes data, std::size_t begin, bool final, RecordIndex& index) const;

    /// Indexes any records with the plain reader, until one ends at `until` or later.
    void index_plain(Bytes data, std::size_t begin, std::size_t until, bool final,
                     RecordIndex& index) const;

    /// Where a record probably begins in `data`, after the first line end from `begin` on: after
    /// this one, or, if that does not look like a record, after the first one that is in quotes if
    /// this one is not, and the other way round. `memory` is for temporary use.
    std::size_t guess_begin(Bytes data, std::size_t begin, RecordIndex& memory) const;

private:
    bool begins_regular(Bytes data, std::size_t begin, RecordIndex& memory) const;

    const RecordReader& reader_;
    KeptFields kept_;
    bool vectors_;
};

}  // namespace csvmill
