/// The positions of all records and fields of a block.
#pragma once

#include <cstdint>
#include <vector>

#include "csv/positions.hpp"
#include "csv/record_reader.hpp"

namespace csvmill {

/// Where the records of a block are, in one of two forms.
///
/// A *regular* block has only whole, well-formed records of `width` fields, no empty line, no CR
/// but before LF, and valid UTF-8: then `ends` says everything. Every other block is read by the
/// plain reader into `rows` and `fields`.
struct RecordIndex {
    struct Row {
        std::uint32_t at = 0;     ///< Where the record begins.
        std::uint32_t first = 0;  ///< Its first field in `fields`.
        std::uint32_t count = 0;  ///< Its number of fields; 0 for a record with a fault.
    };

    bool regular = false;
    std::uint32_t width = 0;  ///< Fields that a record must have.
    std::uint32_t begin = 0;  ///< Where the first record begins.
    std::uint32_t end = 0;    ///< Where the last whole record ends: the rest is unfinished.
    bool dropping = false;    ///< The last record is too long: the rest of its line is dropped.
    bool quotes = false;      ///< Regular: fields may be quoted.
    bool crlf = false;        ///< Regular: a CR may precede a line end.
    /// Regular: the position of the delimiter or line end after each field.
    Positions ends;
    std::vector<Row> rows;               ///< Not regular.
    std::vector<Field> fields;           ///< Not regular.
    std::uint64_t line_ends = 0;         ///< In [begin, end), also in quoted fields.
    std::uint64_t of_several_lines = 0;  ///< Records of several lines.
    std::uint64_t most_lines = 1;        ///< Lines of the longest of these.

    std::size_t records() const { return regular ? ends.size() / width : rows.size(); }
    void clear();
};

/// Makes indexes. Every block gives the same records with both, and with any processor.
class BlockIndexer {
public:
    /// `width` is the number of fields of a record. `vectors`: whether vector instructions may be
    /// used, where the processor has them.
    BlockIndexer(const RecordReader& reader, std::uint32_t width, bool vectors = true);

    /// Indexes `data` from `begin`, where a record begins, if the block is regular. Returns whether
    /// it is; if not, `index` is undefined. `data` must be followed by 64 readable bytes.
    bool index_regular(Bytes data, std::size_t begin, bool final, RecordIndex& index) const;

    /// Indexes any block with the plain reader: the records that begin before `stop`.
    void index_plain(Bytes data, std::size_t begin, bool final, RecordIndex& index,
                     std::size_t stop = Bytes::npos) const;

private:
    const RecordReader& reader_;
    std::uint32_t width_;
    bool vectors_;
};

}  // namespace csvmill
