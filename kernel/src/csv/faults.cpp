#include "csv/faults.hpp"

#include <algorithm>
#include <charconv>

#include "text/show.hpp"
#include "text/transcode.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

/// Bytes of a record that are passed to `show`.
constexpr std::size_t shown = 300;

/// What no other message has at its end: all others end with a text in quotes, or with words.
constexpr Bytes opened = " (opened on line ";

/// " (opened on line 3)" if the quote at `at` is not on the first line of the record.
std::string where_opened(const Dialect& dialect, Bytes data, std::size_t start, std::size_t at,
                         std::uint64_t line) {
    const Bytes before = data.substr(start, at - start);
    const auto lines = std::count(before.begin(), before.end(), dialect.newline());
    if (lines == 0) return "";
    return std::string(opened) + std::to_string(line + static_cast<std::uint64_t>(lines)) + ")";
}

/// The name of a usual delimiter; empty for all others.
Bytes usual_delimiter(Bytes delimiter) {
    if (delimiter == ",") return "a comma";
    if (delimiter == ";") return "a semicolon";
    if (delimiter == "\t") return "a tab";
    if (delimiter == "|") return "a vertical bar";
    return "";
}

std::string delimiter_name(const Dialect& dialect) {
    const Bytes usual = usual_delimiter(dialect.delimiter);
    return usual.empty() ? "the delimiter " + repr(dialect.delimiter) : std::string(usual);
}

/// How a quote within quotes is written.
std::string escape_name(const Dialect& dialect) {
    if (dialect.escape_or_quote() == dialect.quote) return "is doubled";
    return "is written " + dialect.escape + dialect.quote;
}

Bytes encoding_name(Encoding encoding) {
    switch (encoding) {
        case Encoding::utf_8:
            return "UTF-8";
        case Encoding::utf_16_le:
        case Encoding::utf_16_be:
            return "UTF-16";
        default:
            return of_multiple_bytes(encoding) ? multi_byte_encoding(encoding).title
                                               : single_byte_encoding(encoding).title;
    }
}

/// What an encoding lacks that files which are said to be in it have, and what to do; empty for
/// most.
Bytes what_is_not_read(Encoding encoding) {
    switch (encoding) {
        case Encoding::euc_jp:
            return ": characters of vendors, as in eucJP-ms and CP51932, are not read: save the "
                   "file as UTF-8";
        case Encoding::big5:
            return ": characters of Hong Kong, as in Big5-HKSCS, are not read: save the file as "
                   "UTF-8";
        default:
            return "";
    }
}

}  // namespace

void move_opened_line(std::string& message, std::uint64_t lines) {
    const std::size_t at = message.rfind(opened);
    if (at == std::string::npos || !message.ends_with(')')) return;
    const Bytes digits = Bytes(message).substr(at + opened.size());
    std::uint64_t line = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), line);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() - 1) return;
    message.replace(at + opened.size(), Bytes::npos, std::to_string(line + lines) + ")");
}

Fault never_closed(const Dialect& dialect, Bytes data, std::size_t start, std::size_t at,
                   std::uint64_t line, std::uint64_t column) {
    return {column,
            show(data.substr(at, shown)) + ", a quote without a closing quote" +
                where_opened(dialect, data, start, at, line),
            "a closing quote before the end of the file"};
}

Fault too_long(const Dialect& dialect, Bytes data, std::size_t start, std::size_t at,
               std::uint64_t line) {
    const bool quoted = !dialect.quote.empty() && data.substr(at).starts_with(dialect.quote);
    return {std::nullopt,
            "a record longer than " + std::to_string(record_limit >> 20) + " MiB, beginning " +
                show(data.substr(start, shown)),
            quoted ? "a shorter record: perhaps a closing quote is missing" +
                         where_opened(dialect, data, start, at, line)
                   : "a shorter line"};
}

Fault too_many() {
    const std::string limit = std::to_string(column_limit);
    return {std::nullopt, "more than " + limit + " columns", "at most " + limit + " columns"};
}

Fault text_after_quote(const Dialect& dialect, const std::vector<std::string>& fields, Bytes data,
                       std::size_t at) {
    const Bytes text = data.substr(at, character_limit);
    const Decoded first = decode_utf8(text, 0);
    const Bytes character = first.valid ? text.substr(0, first.length) : Bytes("\xEF\xBF\xBD");
    const std::string other(usual_delimiter(character));
    const std::string cause = other.empty()
                                  ? "a quote in quoted text " + escape_name(dialect)
                                  : "the delimiter may be " + other + ", or the line ends in one";
    return {fields.size(), repr(character) + " after the closing quote of " + show(fields.back()),
            delimiter_name(dialect) + " or the end of the line (" + cause + ")"};
}

Fault foreign_line_end(const Dialect& dialect, const std::vector<std::string>& fields) {
    const bool cr = dialect.line_end_cr;
    return {fields.size(),
            (cr ? "a line feed after " : "a carriage return after ") + show(fields.back()),
            cr ? "lines that end in CR, and other line feeds only in quoted fields"
               : "lines that end in LF or CRLF, and other carriage returns only in quoted fields"};
}

std::optional<Fault> fault_of_text(const Dialect& dialect, const std::vector<std::string>& fields) {
    const auto bad = std::find_if_not(fields.begin(), fields.end(),
                                      [](const std::string& field) { return is_utf8(field); });
    if (bad == fields.end()) return std::nullopt;
    std::string expected = "text in " + std::string(encoding_name(dialect.encoding));
    expected += what_is_not_read(dialect.encoding);
    const bool wide =
        dialect.encoding == Encoding::utf_16_le || dialect.encoding == Encoding::utf_16_be;
    // What half a unit at the end becomes.
    if (wide && bad->find('\xFF') != std::string::npos) {
        expected += ": the file ends within a character";
    }
    return Fault{static_cast<std::uint64_t>(bad - fields.begin()) + 1, show(*bad),
                 std::move(expected)};
}

}  // namespace csvmill
