/// Patterns in the query of the service.
#pragma once

#include <memory>

#include "run/json.hpp"
#include "text/pattern.hpp"

namespace csvmill {

/// A pattern from its steps. Throws StateError.
std::shared_ptr<const Pattern> parse_pattern(const Json& json);

}  // namespace csvmill
