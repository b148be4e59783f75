/// The plain reader: any dialect, every rule, one record at a time. It defines what a file means.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// Where a field is in the data.
struct Field {
    std::uint32_t begin = 0;  ///< Of its text, after an opening quote.
    std::uint32_t end = 0;    ///< Of its text, before a closing quote.
    bool escaped = false;     ///< Whether the text has escape sequences, which `unescape` resolves.
};

/// Why a record is bad. Columns are counted from 1.
struct Fault {
    std::optional<std::uint64_t> column;
    std::string found;
    std::string expected;
};

enum class Outcome {
    record,      ///< `fields` has its fields.
    no_record,   ///< An empty line, or a comment.
    footer,      ///< The table ends here: neither this line nor what follows is in it.
    fault,       ///< A bad record.
    unfinished,  ///< It continues after the data; nothing is known of it.
    too_long     ///< A bad record whose line continues after the data, which is dropped.
};

/// Reads records strictly, with the rules and messages of shared/csv/records.py (`RecordReader`).
class RecordReader {
public:
    explicit RecordReader(Dialect dialect);

    /// Reads the record that begins at `at` in `data`. `final`: the file ends with the data.
    ///
    /// `fields` is replaced. `end` becomes the position of the next record; for `too_long` the end
    /// of the data. `line` is the line on which the record begins, for messages. Messages are made
    /// only if `fault` is not null.
    ///
    /// A record that begins more than `record_limit + 4` bytes before the end of the data is never
    /// `unfinished`, so no more of the file need ever be in memory.
    Outcome read(Bytes data, std::size_t at, bool final, std::uint64_t line,
                 std::vector<Field>& fields, std::size_t& end, Fault* fault) const;

    /// Appends the value of a field that is `escaped`; `text` is what stands between its quotes.
    void unescape(Bytes text, std::string& to) const;

    /// The record `data[at, end)` without its line end, for a problem.
    Bytes without_line_end(Bytes record) const;

    /// Whether a line that begins at `at` is a comment, or begins the footer.
    bool begins_mark(Bytes data, std::size_t at) const {
        const auto begins = [&](const std::string& mark) {
            return !mark.empty() && data.substr(at, mark.size()) == mark;
        };
        return begins(dialect_.comment) || begins(dialect_.footer);
    }
    bool has_marks() const { return !dialect_.comment.empty() || !dialect_.footer.empty(); }

    /// Whether a field that was read has a quote, but does not begin with one.
    bool has_quote_in_text(Bytes data, const Field& field) const;
    /// The fault of a record that does not fit a header of `width` names. `quote_in_text` is
    /// whether a field has a quote, but does not begin with one.
    Fault ragged(const std::vector<std::string>& fields, std::uint64_t width,
                 bool quote_in_text) const;

    const Dialect& dialect() const { return dialect_; }

private:
    enum class Kind { too_long, never_closed, too_many, text_after_quote, foreign_line_end, text };
    /// A fault before its message is made.
    struct Found {
        Kind kind;
        std::size_t start;  ///< Where the record begins.
        std::size_t at;     ///< Where the field of the fault begins, or the fault itself.
        std::uint64_t line;
    };

    std::optional<Outcome> mark_at(Bytes data, std::size_t at, bool final) const;
    bool read_quoted(Bytes data, std::size_t& at, Field& field) const;
    std::size_t end_of_unquoted(Bytes data, std::size_t at) const;
    bool is_text(Bytes record, Bytes data, const std::vector<Field>& fields) const;
    std::vector<std::string> values(Bytes data, const std::vector<Field>& fields) const;
    Outcome end_of_line(Bytes data, bool final, const Found& found, std::size_t& end) const;
    Fault message(Bytes data, const std::vector<Field>& fields, const Found& found) const;

    Dialect dialect_;
    std::array<bool, 256> stops_unquoted_{};  ///< Bytes at which an unquoted field may end.
    std::array<bool, 256> stops_quoted_{};    ///< All bytes of the quote and the escape.
};

}  // namespace csvmill
