/// The first record of the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/record_reader.hpp"
#include "input/block_source.hpp"
#include "input/chain.hpp"
#include "output/problems.hpp"

namespace csvmill {

/// The names of the columns, and where the records below begin.
struct Header {
    std::vector<std::string> names;  ///< `column1`, ... for a file without a header.
    std::uint64_t line = 1;          ///< On which it begins.
    Link rest;                       ///< To the first block that has not been read.
    bool whole = false;              ///< Whether there is no such block.
    std::uint64_t passed_over = 0;   ///< Lines before them that are in no record.
};

/// Reads the header. Without a header, the first valid record gives the number of columns, and bad
/// records before it are taken by `problems`. Returns nothing if the file has no record.
///
/// Throws MalformedInput for a bad header, after `problems` has taken its problem.
std::optional<Header> read_header(BlockSource& source, const RecordReader& reader,
                                  Problems& problems);

/// The name of a column (from 1) for a problem: its first 200 bytes; nothing if it has none.
std::optional<std::string> name_of(const std::vector<std::string>& names,
                                   std::optional<std::uint64_t> column);

}  // namespace csvmill
