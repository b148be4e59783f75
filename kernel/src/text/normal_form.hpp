/// Normalization Form C of Unicode (UAX #15), as Python's `unicodedata.normalize`.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// Whether `text` (valid UTF-8) certainly is in the form: no character may change. Fast for text
/// of characters below U+0300.
bool is_surely_nfc(Bytes text);

/// Appends `text` (valid UTF-8) in the form.
void append_nfc(std::string& to, Bytes text);

}  // namespace csvmill
