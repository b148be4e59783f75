/// What bytes of a text may become in its likeness.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace csvmill {

inline bool is_blank_byte(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// A byte in lower case, if it is ASCII.
inline char lower_byte(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

/// Whether a character that begins with this byte may be blank or invisible, or be like an ASCII
/// character, such as the sign of Kelvin.
inline bool may_vanish(std::uint8_t byte) {
    constexpr std::array<std::uint8_t, 8> leads{0xC2, 0xC4, 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF};
    return std::ranges::find(leads, byte) != leads.end();
}

}  // namespace csvmill
