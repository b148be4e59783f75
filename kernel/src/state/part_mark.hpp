/// Which states may be merged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "groups/aggregator.hpp"
#include "query/query.hpp"

namespace csvmill {

/// A number that is the same for all parts of a job: it follows from all that decides what a state
/// has, which is the dialect, the columns of the file, and the query but for its output. The names,
/// kinds, order, limit, format and `having` of the output may change between parts and result.
///
/// Several files may differ in dialect and columns: their states have the mark of the query alone,
/// with the numbers that the columns have among all files.
std::uint64_t input_mark(const Query& query, const Layout& layout);
std::uint64_t part_mark(const Query& query, const Dialect& dialect,
                        const std::vector<std::string>& columns, const Layout& layout);

}  // namespace csvmill
