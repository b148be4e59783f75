/// From groups to the bytes of the result.
#pragma once

#include <cstdint>
#include <vector>

#include "groups/table.hpp"
#include "output/file_writer.hpp"
#include "query/query.hpp"
#include "state/state_file.hpp"
#include "warnings/doubts.hpp"

namespace csvmill {

/// What the result is made from, and what it may use.
struct ResultInput {
    const Query& query;
    const Layout& layout;
    std::vector<GroupTable*> tables;  ///< One for each thread. They are emptied.
    std::vector<StateFile> spilled;   ///< Of all threads.
    std::size_t memory = 0;           ///< Bytes for everything, the groups in `tables` included.
    std::size_t threads = 1;
    Scratch& scratch;
    Doubts& doubts;          ///< What is doubtful in the values that aggregates keep is added.
    std::uint64_t seed = 0;  ///< Of hashes.
};

/// Writes the header (CSV), and a row for each group after `having`, `order_by` and `limit`, sorted
/// as docs/aggregation.md says; always one row without group columns. Returns the number of rows.
///
/// Without spilled states, the tables are merged part by part and the groups are sorted in ranges,
/// all on several threads. Else the tables are spilled too, and the files are merged in ranges. The
/// bytes are the same for any number of threads and any memory.
std::uint64_t write_result(ResultInput input, FileWriter& to);

}  // namespace csvmill
