/// What the service asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "csv/dialect.hpp"
#include "query/query.hpp"
#include "run/json.hpp"

namespace csvmill {

/// The first line on the control pipe.
struct Task {
    std::optional<std::string> path;    ///< None: standard input.
    std::optional<std::uint64_t> size;  ///< Bytes that the source must have; none if unknown.
    std::uint64_t memory = 0;           ///< Bytes of resident memory of this process.
    std::uint64_t scratch = 0;          ///< Bytes of disk.
    std::uint32_t threads = 1;
    std::uint64_t block = 1 << 20;  ///< Bytes of a block; small only in tests.
    std::optional<std::uint64_t>
        groups;  ///< Bytes for groups; none: what the limit of memory leaves.
    Dialect dialect;
    bool skip = false;    ///< Whether bad records are left out and kept, or fail the job.
    bool vectors = true;  ///< Whether vector instructions may be used.
    bool confine = true;  ///< Whether the process gives up its rights before it reads the source.

    static Task parse(Bytes line);
};

/// The second line: the service sends it when it knows the header. Throws StateError.
Query parse_query(const Json& json);

}  // namespace csvmill
