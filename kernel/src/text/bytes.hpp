/// Bytes of a file or message, and small helpers for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace csvmill {

/// Bytes that someone else owns. Text in them is UTF-8, but may be invalid where a comment says so.
using Bytes = std::string_view;

inline std::uint8_t byte_at(Bytes text, std::size_t at) {
    return static_cast<std::uint8_t>(text[at]);
}

/// Whether a byte of ASCII is one of `0` to `9`.
inline bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

}  // namespace csvmill
