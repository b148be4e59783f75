/// What the state of a part of a file says of the part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/bytes.hpp"
#include "warnings/doubts.hpp"
#include "warnings/utf8_evidence.hpp"

namespace csvmill {

/// The account of a part, beside its groups and bad records.
struct PartAccount {
    /// The range of bytes of the file (after decompression); of several files, `end` is their sum.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t first_input = 0;  ///< The files that it has, if there are several, from 0.
    std::uint64_t last_input = 0;
    std::uint64_t lines = 0;  ///< Line ends in it: lines of its bad records are counted from 1.
    std::uint64_t aggregated = 0;
    std::uint64_t filtered = 0;
    std::uint64_t problems = 0;  ///< Bad records, also those that are not kept.
    std::uint64_t omitted = 0;   ///< Those that did not fit the rejects, and are not kept.
    std::uint64_t of_several_lines = 0;
    std::uint64_t most_lines = 1;
    std::uint64_t passed_over = 0;  ///< Lines in no record; of a footer, its line ends.
    std::uint64_t padded = 0;
    std::uint64_t truncated = 0;
    std::uint64_t footer = 0;     ///< 1 if the table ends in it: no part that follows has records.
    std::uint64_t open_line = 0;  ///< 1 if the part ends within a line.
    std::uint64_t above = 0;      ///< What is above the part that follows: an `Above`.
    Doubts doubts;                ///< None if bad records fail the job, and the part has some.
    Utf8Evidence utf8;            ///< Of its bytes, and perhaps of some that follow.
    std::uint64_t header_line = 1;   ///< The line of the file on which its header begins.
    std::vector<std::string> names;  ///< Of all columns of the file.

    /// The form of the section of statistics. 0: nothing is counted for each column yet.
    static constexpr std::uint64_t statistics = 0;

    void write(std::string& to) const;
    /// Throws StateError.
    static PartAccount read(Bytes from);

    /// The lines that are in no record, if the file ends with the part.
    std::uint64_t all_passed_over() const { return passed_over + footer * open_line; }

    /// Adds the account of the part that follows.
    void append(const PartAccount& next);

    /// Adds the account of the files that follow.
    void append_input(const PartAccount& next);

private:
    void add_counts(const PartAccount& next);
};

}  // namespace csvmill
