/// Aggregates and restrictions in the query of the service.
#pragma once

#include <optional>

#include "query/query.hpp"
#include "run/json.hpp"

namespace csvmill {

/// An aggregate of a query. Throws StateError.
Aggregate parse_aggregate(const Json& json);

/// A restriction, or none for null. `columns` is the number of columns that there may be. Throws
/// StateError.
std::optional<Restriction> parse_restriction(const Json& json, std::uint64_t columns);

}  // namespace csvmill
