/// Unicode default case conversion as Python's `str.upper` and `str.lower`, and trimming.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// Appends `text` (valid UTF-8) in upper case, with full mappings ("ß" becomes "SS").
void append_upper(std::string& to, Bytes text);

/// Appends `text` (valid UTF-8) in lower case, with the rule for a final sigma.
void append_lower(std::string& to, Bytes text);

/// Write `text` in the other case to `to` if it is ASCII; else they return false. Up to 7 bytes
/// after the text are read and written.
bool write_ascii_upper(char* to, Bytes text);
bool write_ascii_lower(char* to, Bytes text);

/// `text` without blanks at both ends: space, tab, CR, LF, VT, FF, U+00A0.
Bytes trimmed(Bytes text);

/// Whether Python's `str.isprintable` holds for the character.
bool is_printable(char32_t character);

}  // namespace csvmill
