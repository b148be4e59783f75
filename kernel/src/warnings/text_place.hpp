/// Where doubtful records are in the file.
#pragma once

#include <cstdint>

#include "csv/record_index.hpp"
#include "warnings/doubts.hpp"

namespace csvmill {

/// Where the text of an index is in the file.
struct TextPlace {
    Bytes data;
    std::size_t begin = 0;         ///< Where the index begins in the data.
    std::uint64_t line = 1;        ///< The line that begins there.
    std::uint64_t position = 0;    ///< Of the data in the text of the file; it may wrap around.
    Above above = Above::nothing;  ///< What is above the first record of the index.

    /// The line that begins at `start` in the data. Lines end in `newline`.
    std::uint64_t line_of(std::uint32_t start, char newline) const;
};

/// Counts a record that begins at `start`. Returns whether it is the first one.
bool see(Sighting& sighting, std::uint32_t start, const TextPlace& place, char newline);

}  // namespace csvmill
