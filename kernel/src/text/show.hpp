/// Text of the file in messages.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// `text` for a message: quoted and escaped as Python's `repr`, cut to about `limit` characters.
/// Invalid bytes become `\xNN`, whose backslash `repr` escapes. See `show` in
/// shared/csv/problems.py, which this equals byte for byte.
std::string show(Bytes text, std::size_t limit = 60);

/// Python's `repr` of a text of valid UTF-8.
std::string repr(Bytes text);

/// "1 column", "2 columns".
std::string columns(std::uint64_t number);

/// "1,000,000".
std::string with_commas(std::uint64_t number);

}  // namespace csvmill
