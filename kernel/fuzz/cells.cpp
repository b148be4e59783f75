#include <optional>
#include <string>

#include "target.hpp"
#include "text/error.hpp"
#include "text/utf8.hpp"
#include "values/cell_hints.hpp"
#include "values/date.hpp"
#include "values/date_format.hpp"
#include "values/decimal.hpp"
#include "values/notation.hpp"

namespace csvmill::fuzz {

namespace {

std::string text_of(const Decimal& number) {
    std::string text;
    number.append_text(text);
    return text;
}

std::string sortable(const Decimal& number) {
    std::string bytes;
    number.append_sortable(bytes);
    return bytes;
}

/// A number is equal after it was written and read in each form.
void check_forms(const Decimal& number) {
    Decimal read;
    require(read_number(text_of(number), {}, read) && compare(read, number) == 0);
    std::string bytes = sortable(number);
    Bytes left = bytes;
    require(compare(Decimal::take_sortable(left), number) == 0 && left.empty());
    bytes.clear();
    number.append_state(bytes);
    left = bytes;
    require(text_of(Decimal::take_state(left)) == text_of(number) && left.empty());
}

std::optional<Decimal> check_number(Bytes cell, const Notation& notation) {
    Decimal integer;
    Decimal number;
    const bool is_integer = read_integer(cell, notation, integer);
    const bool is_number = read_number(cell, notation, number);
    for (const Kind kind : {Kind::integer, Kind::number}) {
        static_cast<void>(hint(kind, cell, notation));
    }
    if (!is_number) {
        require(!is_integer);
        return std::nullopt;
    }
    check_forms(number);
    if (is_integer) require(text_of(integer) == text_of(number));
    return number;
}

void check_two(const Decimal& a, const Decimal& b) {
    const auto order = compare(a, b);
    require(order == (sortable(a) <=> sortable(b)));
    Decimal sum = a;
    sum.add(b);
    Decimal reversed = b;
    reversed.add(a);
    require(compare(sum, reversed) == 0);
    check_forms(sum);
    check_forms(sum.mean(3, 6));
    check_forms(sum.half());
}

void check_date(Bytes cell) {
    const std::optional<Instant> instant = read_date(cell);
    std::string day;
    const bool is_date = append_truncated(cell, Truncation::day, day);
    require(is_date || (!instant && day.empty()));
    if (!is_date) return;
    const std::optional<Instant> begin = read_date(day);
    require(begin && begin->nanoseconds == 0 && begin->seconds % 86400 == 0);
    if (instant) require(*begin <= *instant && instant->seconds - begin->seconds < 86400);
    for (const Truncation truncation : {Truncation::week, Truncation::month, Truncation::year,
                                        Truncation::hour, Truncation::quarter}) {
        std::string text;
        require(append_truncated(cell, truncation, text) && !text.empty());
    }
}

/// A date of any format is the same as ISO 8601 writes it.
void check_format(Bytes cell, const DateFormat& format) {
    static_cast<void>(format.expected(false).append(date_hint(cell, format)));
    Moment moment;
    if (!format.read(cell, moment)) {
        require(!format.instant(cell));
        return;
    }
    if (format.is_iso()) return;
    require(is_valid(moment.date) && moment.zoned == format.zoned());
    std::string text;
    format.append_iso(moment, text);
    Moment again;
    require(read_moment(text, again) && again.zoned == moment.zoned);
    require(format.instant(cell) == format.of_values().instant(text));
    for (const Truncation truncation : {Truncation::hour, Truncation::day, Truncation::quarter}) {
        std::string part;
        append_truncated(moment, truncation, part);
        std::string of_text;
        require(append_truncated(text, truncation, of_text) && part == of_text);
    }
}

void check_format(Bytes cell, Bytes text) {
    try {
        check_format(cell, DateFormat(text));
    } catch (const StateError&) {
        // The outcome of most texts.
    }
}

/// Whether the checks of a number take long, because of millions of digits.
bool is_long(const Decimal& number) {
    return number.scale() > (1U << 20U) || number.heap_bytes() > (1U << 19U);
}

/// Bytes that claim to be a number.
template <class Take>
void check_bytes(Bytes bytes, Take take) {
    try {
        const Decimal number = take(bytes);
        if (!is_long(number)) check_forms(number);
    } catch (const StateError&) {
        // The outcome of most inputs.
    }
}

}  // namespace

void cells(Bytes input) {
    constexpr Notation notations[] = {{'.', 0, {}},    {',', 0, {}},   {'.', ',', {}},
                                      {',', '.', {}},  {',', ' ', {}}, {'.', ' ', {}},
                                      {'.', '\'', {}}, {'.', '_', {}}};
    const unsigned choice = take_choice(input);
    Notation notation = notations[choice % 8];
    notation.allowed = {(choice & 8U) != 0, (choice & 16U) != 0, (choice & 32U) != 0};
    check_bytes(input, [](Bytes bytes) { return Decimal::take_sortable(bytes); });
    check_bytes(input, [](Bytes bytes) { return Decimal::take_state(bytes); });
    if (!is_utf8(input)) return;
    const Bytes first = input.substr(0, input.find('\n'));
    const Bytes rest = input.substr(std::min(first.size() + 1, input.size()));
    const Bytes second = rest.substr(0, rest.find('\n'));
    check_date(first);
    // The format of dates is after both cells.
    check_format(first, rest.substr(std::min(second.size() + 1, rest.size())));
    const std::optional<Decimal> a = check_number(first, notation);
    const std::optional<Decimal> b = check_number(second, notation);
    if (a && b) check_two(*a, *b);
}

}  // namespace csvmill::fuzz
