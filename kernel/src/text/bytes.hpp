/// Bytes of a file or message, and small helpers for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace csvmill {

/// Bytes that someone else owns. Text in them is UTF-8, but may be invalid where a comment says so.
using Bytes = std::string_view;

}  // namespace csvmill
