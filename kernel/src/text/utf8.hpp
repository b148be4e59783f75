/// Validation and decoding of UTF-8 (RFC 3629).
#pragma once

#include <cstddef>

#include "text/bytes.hpp"

namespace csvmill {

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

/// Appends `character` in UTF-8.
void append_utf8(std::string& to, char32_t character);

}  // namespace csvmill
