/// What the service asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "query/query.hpp"
#include "run/json.hpp"

namespace csvmill {

/// What a task reads and gives.
enum class Work {
    run,      ///< A file; its result.
    partial,  ///< A part of a file; its state.
    merge,    ///< States; their result.
    gather,   ///< States of neighbouring parts; the state of these parts together.
};

/// A range of bytes of a file (after decompression) that begins with a record.
struct Range {
    std::uint64_t begin = 0;
    std::optional<std::uint64_t> end;  ///< None: the end of the source.
    /// Whether `end` may be within a record. Then the part ends before that record.
    bool cut = false;
    /// The header of the file, if the range begins below it: its line and the names.
    std::uint64_t header_line = 1;
    std::vector<std::string> names;
};

/// A file that is one of several.
struct Input {
    std::uint32_t number = 0;  ///< From 0, in their order.
    std::string name;
    std::uint64_t before = 0;  ///< The bytes of the files before it (after decompression).
};

/// The first line on the control pipe.
struct Task {
    Work work = Work::run;
    Range range;                        ///< Of `partial`.
    std::vector<std::string> states;    ///< Of `merge` and `gather`: paths, in any order.
    std::optional<Input> input;         ///< Of `partial`: the file, if it is one of several.
    std::vector<std::string> files;     ///< Of states of several files: the names of all of them.
    std::optional<std::string> path;    ///< None: standard input.
    std::optional<std::uint64_t> size;  ///< Bytes that the file must have; none if unknown.
    std::uint64_t memory = 0;           ///< Bytes of resident memory of this process.
    std::uint64_t scratch = 0;          ///< Bytes of disk.
    std::uint64_t rejects = 0;          ///< Bytes of the file of rejects.
    std::uint32_t threads = 1;
    std::uint64_t block = 1 << 20;  ///< Bytes of a block; small only in tests.
    std::optional<std::uint64_t>
        groups;  ///< Bytes for groups; none: what the limit of memory leaves.
    Dialect dialect;
    bool skip = false;    ///< Whether bad records are left out and kept, or fail the job.
    bool vectors = true;  ///< Whether vector instructions may be used.
    bool confine = true;  ///< Whether the process gives up its rights before it reads the source.

    bool gives_state() const { return work == Work::partial || work == Work::gather; }
    bool reads_states() const { return work == Work::merge || work == Work::gather; }

    static Task parse(Bytes line);
};

/// The second line: the service sends it when it knows the header. Throws StateError.
Query parse_query(const Json& json);

}  // namespace csvmill
