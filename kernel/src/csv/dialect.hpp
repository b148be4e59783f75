/// How the file is written. The service has detected it: nothing is guessed here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "text/bytes.hpp"

namespace csvmill {

/// From `latin_1` on, they are the `single_byte_encodings` in their order. Numbers are in state
/// files.
enum class Encoding : std::uint8_t {
    utf_8 = 0,
    utf_16_le = 1,
    utf_16_be = 2,
    latin_1 = 3,
    windows_1252 = 4,
    shift_jis = 128,
    euc_jp = 129,
    gb18030 = 130,
    big5 = 131,
    euc_kr = 132,
};

/// See `Dialect` in shared/csv/dialect.py.
struct Dialect {
    std::string delimiter = ",";  ///< One character in UTF-8, neither a quote nor a line end.
    std::string quote = "\"";     ///< One character in UTF-8; empty if nothing is quoted.
    std::string escape;           ///< One character; empty if a quote in quotes is doubled.
    bool header = true;
    bool line_end_cr = false;        ///< CR alone ends a line; else LF or CRLF.
    bool sep_line = false;           ///< The first line, such as `sep=;`, is not a record.
    std::uint64_t skip_lines = 0;    ///< Lines above the table.
    std::uint64_t header_line = 0;   ///< The line of the header; 0 if it is not given.
    std::string header_starts_with;  ///< How the line of the header begins; empty if not given.
    std::string comment;             ///< Lines that begin with it are passed over; or empty.
    std::string footer;              ///< How the first line below the table begins; or empty.
    std::uint64_t footer_lines = 0;  ///< Lines below the table.
    bool pad = false;                ///< Records with too few fields are filled with empty ones.
    bool truncate = false;           ///< Records with too many fields lose those beyond the header.
    bool trailing_delimiters = false;  ///< All records but the header end in a delimiter.
    Encoding encoding = Encoding::utf_8;

    char newline() const { return line_end_cr ? '\r' : '\n'; }
    char foreign() const { return line_end_cr ? '\n' : '\r'; }
    /// The lines at the start of the file that are not in the table.
    std::uint64_t lines_above() const {
        const std::uint64_t above_header = header_line > 0 ? header_line - 1 : 0;
        return std::max({std::uint64_t{sep_line}, skip_lines, above_header});
    }
    /// Whether the client says where the header is: then it is no comment.
    bool header_is_given() const { return header_line > 0 || !header_starts_with.empty(); }
    Bytes escape_or_quote() const { return escape.empty() ? Bytes(quote) : Bytes(escape); }
};

/// The largest record in bytes, without its line end, and the most fields of one.
inline constexpr std::size_t record_limit = std::size_t{64} << 20;
inline constexpr std::size_t column_limit = std::size_t{1} << 20;

/// The most columns that an aggregation can name, those that are not in the file included.
inline constexpr std::size_t numbered_columns = 2 * column_limit;
/// The bytes of a bad record that are kept.
inline constexpr std::size_t kept_record = std::size_t{64} << 10;

}  // namespace csvmill
