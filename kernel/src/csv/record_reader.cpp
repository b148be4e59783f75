#include "csv/record_reader.hpp"

#include <algorithm>
#include <utility>

#include "csv/faults.hpp"
#include "text/show.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

bool begins_with(Bytes text, std::size_t at, Bytes part) {
    return text.substr(at, part.size()) == part;
}

}  // namespace

RecordReader::RecordReader(Dialect dialect) : dialect_(std::move(dialect)) {
    stops_unquoted_[byte_at(dialect_.delimiter, 0)] = true;
    stops_unquoted_['\r'] = stops_unquoted_['\n'] = true;
    for (const Bytes part : {Bytes(dialect_.quote), dialect_.escape_or_quote()}) {
        for (std::size_t i = 0; i < part.size(); ++i) stops_quoted_[byte_at(part, i)] = true;
    }
}

Outcome RecordReader::read(Bytes data, std::size_t start, bool final, std::uint64_t line,
                           std::vector<Field>& fields, std::size_t& end, Fault* fault) const {
    fields.clear();
    const bool full = data.size() - start > record_limit + character_limit;
    const auto bad = [&](Kind kind, std::size_t at) {
        const Found found{kind, start, at, line};
        // A record whose fields are complete ends where it seems to, even if its text is invalid.
        const Outcome outcome =
            kind == Kind::text ? Outcome::fault : end_of_line(data, final, found, end);
        if (fault != nullptr && outcome != Outcome::unfinished) {
            *fault = message(data, fields, found);
        }
        return outcome;
    };
    if (const std::optional<Outcome> mark = mark_at(data, start, final)) {
        if (*mark != Outcome::no_record) return *mark;
        const std::size_t newline = data.find(dialect_.newline(), start);
        if (newline == Bytes::npos && !final && !full) return Outcome::unfinished;
        end = newline == Bytes::npos ? data.size() : newline + 1;
        const Bytes comment = without_line_end(data.substr(start, end - start));
        const bool over = comment.size() > record_limit || (newline == Bytes::npos && !final);
        return over ? bad(Kind::too_long, start) : Outcome::no_record;
    }
    std::size_t at = start;
    while (true) {
        const std::size_t begun = at;
        Field field;
        if (!dialect_.quote.empty() && begins_with(data, at, dialect_.quote)) {
            if (!read_quoted(data, at, field)) {
                if (full) return bad(Kind::too_long, begun);
                return final ? bad(Kind::never_closed, begun) : Outcome::unfinished;
            }
        } else {
            at = end_of_unquoted(data, at);
            field = {static_cast<std::uint32_t>(begun), static_cast<std::uint32_t>(at), false};
        }
        fields.push_back(field);
        if (at - start > record_limit) {
            // A quote at the end of the data may be the first of two.
            return full || final ? bad(Kind::too_long, begun) : Outcome::unfinished;
        }
        if (!begins_with(data, at, dialect_.delimiter)) break;
        at += dialect_.delimiter.size();
        if (fields.size() == column_limit) return bad(Kind::too_many, at);
    }
    // A line end or delimiter that the end of the data may have cut is followed by no line end: it
    // is not mistaken for a fault, as the end of its line is unknown.
    if (at == data.size()) {
        if (!final) return Outcome::unfinished;
        end = at;
    } else if (data[at] == dialect_.newline()) {
        end = at + 1;
    } else if (!dialect_.line_end_cr && begins_with(data, at, "\r\n")) {
        end = at + 2;
    } else {
        const bool foreign = data[at] == dialect_.foreign();
        return bad(foreign ? Kind::foreign_line_end : Kind::text_after_quote, at);
    }
    if (at == start) return Outcome::no_record;
    if (!is_text(data.substr(start, at - start), data, fields)) return bad(Kind::text, at);
    return Outcome::record;
}

/// What the line at `at` is, if it is no record: a comment or the footer, or perhaps one of them.
std::optional<Outcome> RecordReader::mark_at(Bytes data, std::size_t at, bool final) const {
    const std::array marks{std::pair(Bytes(dialect_.footer), Outcome::footer),
                           std::pair(Bytes(dialect_.comment), Outcome::no_record)};
    for (const auto& [mark, outcome] : marks) {
        if (mark.empty()) continue;
        const Bytes found = data.substr(at, mark.size());
        if (found == mark) return outcome;
        if (!final && mark.starts_with(found)) return Outcome::unfinished;
    }
    return std::nullopt;
}

/// Reads the quoted field at `at`, and moves `at` to its end; false if it does not end.
bool RecordReader::read_quoted(Bytes data, std::size_t& at, Field& field) const {
    const Bytes quote = dialect_.quote;
    const Bytes escape = dialect_.escape_or_quote();
    const bool doubled = escape == quote;
    std::size_t next = at + quote.size();
    field.begin = static_cast<std::uint32_t>(next);
    while (true) {
        while (next < data.size() && !stops_quoted_[byte_at(data, next)]) ++next;
        if (doubled) {
            // A byte that only occurs in the quote cannot be text.
            if (!begins_with(data, next, quote)) return false;
            const std::size_t after = next + quote.size();
            if (!begins_with(data, after, quote)) break;
            next = after + quote.size();
        } else {
            const std::size_t after = next + escape.size();
            if (!begins_with(data, next, escape) || after >= data.size()) {
                if (!begins_with(data, next, quote)) return false;
                break;
            }
            next = after + 1;
        }
        field.escaped = true;
    }
    field.end = static_cast<std::uint32_t>(next);
    at = next + quote.size();
    return true;
}

std::size_t RecordReader::end_of_unquoted(Bytes data, std::size_t at) const {
    const Bytes delimiter = dialect_.delimiter;
    while (true) {
        while (at < data.size() && !stops_unquoted_[byte_at(data, at)]) ++at;
        if (delimiter.size() == 1 || at == data.size()) return at;
        if (data[at] == '\r' || data[at] == '\n' || begins_with(data, at, delimiter)) return at;
        ++at;
    }
}

/// Whether all fields are valid UTF-8.
bool RecordReader::is_text(Bytes record, Bytes data, const std::vector<Field>& fields) const {
    // Delimiters, quotes and escapes are whole characters, so a valid record has valid fields.
    return is_utf8(record) || !fault_of_text(dialect_, values(data, fields));
}

std::vector<std::string> RecordReader::values(Bytes data, const std::vector<Field>& fields) const {
    std::vector<std::string> values;
    values.reserve(fields.size());
    for (const Field& field : fields) {
        const Bytes text = data.substr(field.begin, field.end - field.begin);
        values.emplace_back();
        if (field.escaped) {
            unescape(text, values.back());
        } else {
            values.back() = text;
        }
    }
    return values;
}

/// Ends a bad record at the end of the line of its fault.
Outcome RecordReader::end_of_line(Bytes data, bool final, const Found& found,
                                  std::size_t& end) const {
    const std::size_t newline = data.find(dialect_.newline(), found.at);
    if (newline != Bytes::npos) {
        end = newline + 1;
        return Outcome::fault;
    }
    if (final) {
        end = data.size();
        return Outcome::fault;
    }
    if (data.size() - found.start <= record_limit + character_limit) return Outcome::unfinished;
    end = data.size();
    return Outcome::too_long;
}

Fault RecordReader::message(Bytes data, const std::vector<Field>& fields,
                            const Found& found) const {
    switch (found.kind) {
        case Kind::too_long:
            return csvmill::too_long(dialect_, data, found.start, found.at, found.line);
        case Kind::never_closed:
            return csvmill::never_closed(dialect_, data, found.start, found.at, found.line,
                                         fields.size() + 1);
        case Kind::too_many:
            return csvmill::too_many();
        case Kind::text_after_quote:
            return csvmill::text_after_quote(dialect_, values(data, fields), data, found.at);
        case Kind::foreign_line_end:
        case Kind::text:
            break;
    }
    const std::vector<std::string> texts = values(data, fields);
    if (std::optional<Fault> fault = fault_of_text(dialect_, texts)) return *std::move(fault);
    return csvmill::foreign_line_end(dialect_, texts);
}

void RecordReader::unescape(Bytes text, std::string& to) const {
    const Bytes quote = dialect_.quote;
    const Bytes escape = dialect_.escape_or_quote();
    std::size_t at = 0;
    for (std::size_t found; (found = text.find(escape, at)) != Bytes::npos;) {
        to += text.substr(at, found - at);
        const std::size_t after = found + escape.size();
        if (escape == quote) {
            to += quote;
            at = after + (begins_with(text, after, quote) ? quote.size() : 0);
        } else if (after < text.size() && stops_quoted_[byte_at(text, after)]) {
            to += text[after];
            at = after + 1;
        } else {
            to += escape;
            at = after;
        }
    }
    to += text.substr(at);
}

Bytes RecordReader::without_line_end(Bytes record) const {
    if (record.ends_with(dialect_.newline())) record.remove_suffix(1);
    if (!dialect_.line_end_cr && record.ends_with('\r')) record.remove_suffix(1);
    return record;
}

bool RecordReader::has_quote_in_text(Bytes data, const Field& field) const {
    const Bytes quote = dialect_.quote;
    if (quote.empty() || data.substr(0, field.begin).ends_with(quote)) return false;
    return data.substr(field.begin, field.end - field.begin).find(quote) != Bytes::npos;
}

Fault RecordReader::ragged(const std::vector<std::string>& fields, std::uint64_t width,
                           bool quote_in_text) const {
    const std::uint64_t trailing = dialect_.trailing_delimiters ? 1 : 0;
    std::string expected = columns(width) + " as in the header";
    if (trailing > 0) {
        if (fields.size() == width + 1) {
            return {fields.size(), show(fields.back()),
                    "nothing after the last delimiter, as the header has " + columns(width)};
        }
        expected += ", and a delimiter after the last";
    }
    if (quote_in_text) expected += " (a quote that is not at the start of a field is text)";
    std::string text;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) text += dialect_.delimiter;
        text += fields[i];
    }
    return {std::min<std::uint64_t>(fields.size(), width + trailing) + 1,
            columns(fields.size()) + ": " + show(text), std::move(expected)};
}

}  // namespace csvmill
