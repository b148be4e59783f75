/// Validation and decoding of UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/bytes.hpp"

namespace csvmill {

/// The most bytes of a character.
inline constexpr std::size_t character_limit = 4;

/// Whether `text` is valid UTF-8 of whole characters: no surrogates, no overlong forms. Fast for
/// ASCII and for long texts (AVX2 where the processor has it, chosen at run time).
bool is_utf8(Bytes text);

/// Whether all bytes are below 0x80.
bool is_ascii(Bytes text);

/// A character, or the invalid bytes in its place.
struct Decoded {
    char32_t character = 0;
    std::size_t length = 0;  ///< Bytes; at least 1.
    bool valid = false;      ///< If false, `length` invalid bytes, as Python's decoder groups them.
};

/// Decodes the character at `at`, which must be within `text`.
Decoded decode_utf8(Bytes text, std::size_t at);

/// `count` characters of valid UTF-8 after the first `skipped` ones, or as many as there are.
Bytes characters(Bytes text, std::uint64_t skipped, std::uint64_t count);

/// Appends `character` in UTF-8.
void append_utf8(std::string& to, char32_t character);

/// Writes `character` in UTF-8 to `to`, which has room for four bytes, and returns its length.
inline std::size_t encode_utf8(char* to, char32_t character) {
    const auto last = [&](unsigned shift) {
        return static_cast<char>(0x80U | (character >> shift & 0x3FU));
    };
    if (character < 0x80) {
        to[0] = static_cast<char>(character);
        return 1;
    }
    if (character < 0x800) {
        to[0] = static_cast<char>(0xC0U | character >> 6U);
        to[1] = last(0);
        return 2;
    }
    if (character < 0x10000) {
        to[0] = static_cast<char>(0xE0U | character >> 12U);
        to[1] = last(6);
        to[2] = last(0);
        return 3;
    }
    to[0] = static_cast<char>(0xF0U | character >> 18U);
    to[1] = last(12);
    to[2] = last(6);
    to[3] = last(0);
    return 4;
}

}  // namespace csvmill
