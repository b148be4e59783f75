#include "output/row.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace csvmill {

namespace {

/// Whether one of 8 characters is `c`.
bool has(std::uint64_t characters, char c) {
    constexpr std::uint64_t each = 0x0101010101010101;
    const std::uint64_t other = characters ^ (each * static_cast<unsigned char>(c));
    return ((other - each) & ~other & (0x80 * each)) != 0;
}

bool needs_quotes(Bytes field) {
    for (; field.size() >= 8; field.remove_prefix(8)) {
        std::uint64_t some = 0;
        std::memcpy(&some, field.data(), 8);
        if (has(some, ',') || has(some, '"') || has(some, '\r') || has(some, '\n')) return true;
    }
    return std::any_of(field.begin(), field.end(),
                       [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; });
}

/// Quotes what follows `start`, if that is needed.
void quote(std::string& to, std::size_t start) {
    if (!needs_quotes(Bytes(to).substr(start))) return;
    const std::string field = to.substr(start);
    to.resize(start);
    to += '"';
    for (const char c : field) {
        if (c == '"') to += '"';
        to += c;
    }
    to += '"';
}

/// Whether a spreadsheet may take a cell that begins with `c` for a formula, as OWASP lists them.
bool begins_formula(char c) {
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r';
}

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& to, char c) {
    constexpr const char* digits = "0123456789abcdef";
    switch (c) {
        case '"':
            to += "\\\"";
            return;
        case '\\':
            to += "\\\\";
            return;
        case '\b':
            to += "\\b";
            return;
        case '\f':
            to += "\\f";
            return;
        case '\n':
            to += "\\n";
            return;
        case '\r':
            to += "\\r";
            return;
        case '\t':
            to += "\\t";
            return;
        default:
            break;
    }
    if (!needs_escape(c)) {
        to += c;
        return;
    }
    to += "\\u00";
    to += digits[static_cast<unsigned char>(c) >> 4];
    to += digits[c & 15];
}

void append_json(std::string& to, Bytes text) {
    to += '"';
    for (const char c : text) append_escaped(to, c);
    to += '"';
}

/// Makes a JSON string of what follows `start`.
void quote_json(std::string& to, std::size_t start) {
    if (std::any_of(to.begin() + static_cast<std::ptrdiff_t>(start), to.end(), needs_escape)) {
        const std::string text = to.substr(start);
        to.resize(start);
        append_json(to, text);
        return;
    }
    to.insert(start, 1, '"');
    to += '"';
}

}  // namespace

void append_csv(std::string& to, const std::vector<Bytes>& fields) {
    const std::size_t line = to.size();
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) to += ',';
        const std::size_t start = to.size();
        to += fields[i];
        quote(to, start);
    }
    if (to.size() == line) to += "\"\"";
    to += '\n';
}

RowEncoder::RowEncoder(const Query& query) : query_(query) {
    for (std::size_t i = 0; i < query.names.size(); ++i) {
        std::string before;
        if (query.format == RowFormat::jsonl) {
            before = i == 0 ? "{" : ",";
            append_json(before, query.names[i]);
            before += ':';
        } else if (i > 0) {
            before = ",";
        }
        before_.push_back(std::move(before));
        numeric_.push_back(query.numeric(i));
    }
}

std::string RowEncoder::header() const {
    std::string line;
    if (query_.format == RowFormat::jsonl) return line;
    std::vector<std::string> names = query_.names;
    if (query_.escape_formulas) {
        for (std::string& name : names)
            if (!name.empty() && begins_formula(name.front())) name.insert(0, 1, '\'');
    }
    append_csv(line, std::vector<Bytes>(names.begin(), names.end()));
    // In quotes, the first character of the first name is no byte order mark.
    if (line.starts_with("\xEF\xBB\xBF"))
        line.insert(names.front().size(), 1, '"').insert(0, 1, '"');
    return line;
}

void RowEncoder::append(std::string& to, const Row& row) const {
    for (std::size_t i = 0; i < row.size(); ++i) {
        begin_cell(to, i);
        const std::size_t start = to.size();
        to += row[i];
        end_cell(to, i, start);
    }
    end_row(to);
}

void RowEncoder::begin_cell(std::string& to, std::size_t column) const { to += before_[column]; }

void RowEncoder::end_cell(std::string& to, std::size_t column, std::size_t start) const {
    if (query_.format == RowFormat::csv) {
        if (!numeric_[column]) end_text(to, start);
        if (to.size() == start && before_.size() == 1) to += "\"\"";
    } else if (to.size() == start && column >= query_.group_by.size()) {
        to += "null";
    } else if (!numeric_[column]) {
        quote_json(to, start);
    }
}

void RowEncoder::end_text(std::string& to, std::size_t start) const {
    if (query_.escape_formulas && to.size() > start && begins_formula(to[start]))
        to.insert(start, 1, '\'');
    quote(to, start);
}

void RowEncoder::end_row(std::string& to) const {
    to += query_.format == RowFormat::csv ? "\n" : "}\n";
}

}  // namespace csvmill
