#include "values/notation.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace csvmill {

namespace {

/// The digits at the start of `text`, which are removed from it.
Bytes take_digits(Bytes& text) {
    std::size_t size = 0;
    while (size < text.size() && is_digit(text[size])) ++size;
    const Bytes digits = text.substr(0, size);
    text.remove_prefix(size);
    return digits;
}

/// The separator of groups of digits at the start of `text`; empty if there is none.
Bytes separator_at(Bytes text, char thousands) {
    if (thousands == 0 || text.empty()) return {};
    if (text.front() == thousands) return text.substr(0, 1);
    constexpr std::array<Bytes, 2> spaces = {"\u00a0", "\u202f"};
    constexpr Bytes apostrophe = "\u2019";
    if (thousands == ' ') {
        for (const Bytes space : spaces) {
            if (text.starts_with(space)) return text.substr(0, space.size());
        }
    }
    if (thousands == '\'' && text.starts_with(apostrophe)) return text.substr(0, apostrophe.size());
    return {};
}

/// The parts of a cell that is a number.
struct Parts {
    bool negative = false;
    Bytes integral;  ///< Digits, with separators if `separator` is not empty.
    Bytes separator;
    Bytes fraction;     ///< Digits.
    bool plain = true;  ///< Whether there is neither a point nor an exponent.
    int exponent = 0;
};

/// Removes the rest of an integral part from `rest`: groups of three digits after separators, which
/// are all the same.
bool take_groups(Bytes& rest, char thousands, Parts& parts) {
    const std::size_t first = parts.integral.size();
    if (first < 1 || first > 3 || parts.integral.front() == '0') return true;
    parts.separator = separator_at(rest, thousands);
    if (parts.separator.empty()) return true;
    const char* begin = parts.integral.data();
    while (rest.starts_with(parts.separator)) {
        rest.remove_prefix(parts.separator.size());
        if (rest.size() < 3 || !std::all_of(rest.begin(), rest.begin() + 3, is_digit)) return false;
        rest.remove_prefix(3);
    }
    parts.integral = Bytes(begin, static_cast<std::size_t>(rest.data() - begin));
    return true;
}

/// Reads the exponent of ten after `e`: all of `text`.
bool read_exponent(Bytes text, int& exponent) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    constexpr std::size_t max_digits = 9;
    if (text.empty() || text.size() > max_digits) return false;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        exponent = exponent * 10 + (c - '0');
    }
    if (exponent > max_exponent) return false;
    if (negative) exponent = -exponent;
    return true;
}

/// Divides a cell into its parts; false if it is not a number.
bool divide(Bytes cell, const Notation& notation, Parts& parts) {
    parts.negative = cell.starts_with('-');
    if (parts.negative || cell.starts_with('+')) cell.remove_prefix(1);
    parts.integral = take_digits(cell);
    if (!take_groups(cell, notation.thousands, parts)) return false;
    if (cell.starts_with(notation.decimal)) {
        parts.plain = false;
        cell.remove_prefix(1);
        parts.fraction = take_digits(cell);
    }
    if (parts.integral.empty() && parts.fraction.empty()) return false;
    if (cell.empty()) return true;
    parts.plain = false;
    return (cell.front() == 'e' || cell.front() == 'E') &&
           read_exponent(cell.substr(1), parts.exponent);
}

Decimal number_of(const Parts& parts) {
    const std::int64_t exponent = parts.exponent - static_cast<std::int64_t>(parts.fraction.size());
    if (parts.separator.empty()) {
        if (parts.fraction.empty()) {
            return Decimal::of_digits(parts.negative, parts.integral, exponent);
        }
        if (parts.integral.empty()) {
            return Decimal::of_digits(parts.negative, parts.fraction, exponent);
        }
    }
    std::string digits;
    digits.reserve(parts.integral.size() + parts.fraction.size());
    std::copy_if(parts.integral.begin(), parts.integral.end(), std::back_inserter(digits),
                 is_digit);
    digits += parts.fraction;
    return Decimal::of_digits(parts.negative, digits, exponent);
}

/// Whether the cell is an integer or number.
bool is_of(Kind kind, Bytes cell, const Notation& notation) {
    Parts parts;
    return divide(cell, notation, parts) && (kind == Kind::number || parts.plain);
}

bool read_plain(Kind kind, Bytes cell, const Notation& notation, Decimal& to) {
    Parts parts;
    if (!divide(cell, notation, parts) || (kind == Kind::integer && !parts.plain)) return false;
    to = number_of(parts);
    return true;
}

/// The decorations of `found` that are not `allowed`.
Decorations missing_of(const Decorations& found, const Decorations& allowed) {
    return {found.currency && !allowed.currency, found.percent && !allowed.percent,
            found.parentheses && !allowed.parentheses};
}

bool read_any(Kind kind, Bytes cell, const Notation& notation, Decimal& to) {
    if (read_plain(kind, cell, notation, to)) return true;
    if (!notation.allowed.any()) return false;
    Undecorated bare;
    return undecorate(cell, bare) && !missing_of(bare.found, notation.allowed).any() &&
           read_plain(kind, bare.number, notation, to);
}

bool is_numeric(Kind kind) { return kind == Kind::integer || kind == Kind::number; }

/// Whether the cell consists of a sign, digits and separators only. Bytes of the separators beyond
/// ASCII may be in any order.
bool looks_numeric(Bytes cell) {
    if (cell.starts_with('-') || cell.starts_with('+')) cell.remove_prefix(1);
    return !cell.empty() &&
           cell.find_first_not_of("0123456789.,'_ \u00a0\u202f\u2019") == Bytes::npos;
}

/// All notations that a spec can set, in the order of the hints.
constexpr std::array<Notation, 10> notations = {{{'.', 0, {}},
                                                 {'.', ',', {}},
                                                 {'.', ' ', {}},
                                                 {'.', '\'', {}},
                                                 {'.', '_', {}},
                                                 {',', 0, {}},
                                                 {',', '.', {}},
                                                 {',', ' ', {}},
                                                 {',', '\'', {}},
                                                 {',', '_', {}}}};

/// Such as "input.decimal to ','".
std::string setting(const char* name, char value) {
    std::string text = std::string("input.") + name + " to ";
    const char quote = value == '\'' ? '"' : '\'';
    text += quote;
    if (value != 0) text += value;
    text += quote;
    return text;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
    std::string text;
    for (const std::string& part : parts) {
        if (!text.empty()) text += between;
        text += part;
    }
    return text;
}

}  // namespace

bool read_any_integer(Bytes cell, const Notation& notation, Decimal& to) {
    return read_any(Kind::integer, cell, notation, to);
}

bool read_any_number(Bytes cell, const Notation& notation, Decimal& to) {
    return read_any(Kind::number, cell, notation, to);
}

std::string expected(Kind kind, const Notation& notation) {
    if (kind == Kind::text) return "text";
    if (notation.canonical()) {
        return kind == Kind::integer
                   ? "an integer, such as 42 or -7"
                   : "a number, such as 42, -0.5 or 1e3 (exponents from -400 to 400)";
    }
    std::string grouped = "1";
    if (notation.thousands != 0) grouped += notation.thousands;
    grouped += "234";
    if (kind == Kind::integer) return "an integer, such as 42 or -" + grouped;
    const std::string point(1, notation.decimal);
    return "a number, such as 42, -0" + point + "5 or " + grouped + point + "5";
}

std::string hint(Kind kind, Bytes cell, const Notation& notation) {
    if (!is_numeric(kind)) return {};
    Undecorated bare;
    if (!undecorate(cell, bare) || !looks_numeric(bare.number)) return {};
    const Decorations missing = missing_of(bare.found, notation.allowed);
    std::vector<std::string> decorations;
    if (missing.currency) decorations.emplace_back("input.number.currency to true");
    if (missing.percent) decorations.emplace_back("input.number.percent to true");
    if (missing.parentheses) decorations.emplace_back("input.number.parentheses to 'negative'");
    std::vector<std::string> ways;
    if (missing.any() && is_of(kind, bare.number, notation)) {
        return joined(decorations, " and ");
    }
    std::size_t least = 2;
    for (const Notation& other : notations) {
        const bool same =
            other.decimal == notation.decimal && other.thousands == notation.thousands;
        if (same || !is_of(kind, bare.number, other)) continue;
        // Do not suggest a separator that the cell does not have.
        if (other.thousands != 0 && other.thousands != notation.thousands &&
            is_of(kind, bare.number, {other.decimal, 0, {}})) {
            continue;
        }
        std::vector<std::string> changes;
        if (other.decimal != notation.decimal) changes.push_back(setting("decimal", other.decimal));
        if (other.thousands != notation.thousands) {
            changes.push_back(setting("thousands", other.thousands));
        }
        if (changes.size() > least) continue;
        if (changes.size() < least) ways.clear();
        least = changes.size();
        changes.insert(changes.end(), decorations.begin(), decorations.end());
        ways.push_back(joined(changes, " and "));
    }
    return joined(ways, " or ");
}

}  // namespace csvmill
