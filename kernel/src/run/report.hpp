/// The report of an attempt: what was found in the file.
#pragma once

#include "output/problems.hpp"
#include "run/json.hpp"
#include "warnings/doubts.hpp"
#include "warnings/utf8_evidence.hpp"

namespace csvmill {

/// What is known of the file so far.
struct Findings {
    bool read = false;  ///< Whether all records have been read.
    std::uint64_t aggregated = 0;
    std::uint64_t filtered = 0;
    std::uint64_t groups = 0;
    std::uint64_t bytes = 0;
    std::uint64_t of_several_lines = 0;
    std::uint64_t most_lines = 1;
    std::uint64_t passed_over = 0;
    std::uint64_t padded = 0;
    std::uint64_t truncated = 0;
    Doubts doubts;      ///< Those of a file that has a result.
    Utf8Evidence utf8;  ///< Of its bytes.
    double write_seconds = 0;
};

/// Adds the members of the report to an event. `of_inputs`: of several files, so that warnings have
/// the number of theirs.
void add_report(JsonWriter& event, const Findings& found, const Problems& problems, bool of_inputs);

}  // namespace csvmill
