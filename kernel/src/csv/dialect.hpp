/// How the file is written. The service has detected it: nothing is guessed here.
#pragma once

#include <string>

#include "text/bytes.hpp"

namespace csvmill {

enum class Encoding { utf_8, utf_16_le, utf_16_be, latin_1, windows_1252 };

/// See `Dialect` in shared/csv/dialect.py.
struct Dialect {
    std::string delimiter = ",";  ///< One character in UTF-8, neither a quote nor a line end.
    std::string quote = "\"";     ///< One character in UTF-8; empty if nothing is quoted.
    std::string escape;           ///< One character; empty if a quote in quotes is doubled.
    bool header = true;
    bool line_end_cr = false;  ///< CR alone ends a line; else LF or CRLF.
    bool sep_line = false;     ///< The first line, such as `sep=;`, is not a record.
    Encoding encoding = Encoding::utf_8;

    char newline() const { return line_end_cr ? '\r' : '\n'; }
    char foreign() const { return line_end_cr ? '\n' : '\r'; }
    Bytes escape_or_quote() const { return escape.empty() ? Bytes(quote) : Bytes(escape); }
};

/// The largest record in bytes, without its line end, and the most fields of one.
inline constexpr std::size_t record_limit = std::size_t{64} << 20;
inline constexpr std::size_t column_limit = std::size_t{1} << 20;
/// The bytes of a bad record that are kept.
inline constexpr std::size_t kept_record = std::size_t{64} << 10;

}  // namespace csvmill
