#include "values/date_format.hpp"

#include <algorithm>
#include <array>

#include "text/error.hpp"

namespace csvmill {

namespace {

constexpr std::array<Bytes, 12> months = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
constexpr std::size_t short_month = 3;

constexpr std::int64_t days_before_1970 = 719162;
constexpr unsigned nanoseconds_of_second = 1'000'000'000;

/// Removes `least` to `most` digits from the start of `text`.
bool take_number(Bytes& text, std::size_t least, std::size_t most, std::uint64_t& value) {
    value = 0;
    std::size_t size = 0;
    for (; size < most && size < text.size() && is_digit(text[size]); ++size) {
        value = value * 10 + static_cast<unsigned>(text[size] - '0');
    }
    text.remove_prefix(size);
    return size >= least;
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// Removes `word` from the start of `text`, in upper or lower case.
bool take_word(Bytes& text, Bytes word) {
    if (text.size() < word.size()) return false;
    const auto same = [](char a, char b) { return upper(a) == upper(b); };
    if (!std::equal(word.begin(), word.end(), text.begin(), same)) return false;
    text.remove_prefix(word.size());
    return true;
}

/// The number of the month at the start of `text`, which is removed; 0 if there is none.
unsigned take_month(Bytes& text, std::size_t most) {
    for (unsigned i = 0; i < months.size(); ++i) {
        if (take_word(text, months[i].substr(0, most))) return i + 1;
    }
    return 0;
}

/// `value` as nanoseconds, if it has `digits` digits after the point.
std::uint32_t nanoseconds_of(std::uint64_t value, std::size_t digits) {
    for (; digits < 9; ++digits) value *= 10;
    return static_cast<std::uint32_t>(value);
}

/// Sets the moment that is `seconds` and `nanoseconds` after (or before) 1970 in UTC.
bool set_epoch(bool negative, std::int64_t seconds, std::uint32_t nanoseconds, Moment& to) {
    if (negative) {
        seconds = -seconds;
        if (nanoseconds > 0) {
            --seconds;
            nanoseconds = nanoseconds_of_second - nanoseconds;
        }
    }
    const std::int64_t since_year_1 = seconds + days_before_1970 * seconds_of_day;
    if (since_year_1 < 0 || since_year_1 >= days_of_calendar * seconds_of_day) return false;
    to.date = date_after(since_year_1 / seconds_of_day);
    to.seconds = static_cast<unsigned>(since_year_1 % seconds_of_day);
    to.nanoseconds = nanoseconds;
    to.zoned = to.zulu = true;
    to.decimals = nanoseconds == 0 ? 0 : 9;
    for (std::uint32_t rest = nanoseconds; rest > 0 && rest % 10 == 0; rest /= 10) --to.decimals;
    return true;
}

bool read_epoch(Bytes cell, bool milliseconds, Moment& to) {
    constexpr std::size_t most_seconds = 12;
    constexpr std::size_t most_milliseconds = 15;
    const bool negative = cell.starts_with('-');
    if (negative) cell.remove_prefix(1);
    std::uint64_t value = 0;
    if (!take_number(cell, 1, milliseconds ? most_milliseconds : most_seconds, value)) return false;
    if (milliseconds) {
        return cell.empty() && set_epoch(negative, static_cast<std::int64_t>(value / 1000),
                                         nanoseconds_of(value % 1000, 3), to);
    }
    std::uint32_t nanoseconds = 0;
    if (cell.starts_with('.')) {
        cell.remove_prefix(1);
        std::uint64_t fraction = 0;
        const std::size_t digits = cell.size();
        if (!take_number(cell, 1, 9, fraction)) return false;
        nanoseconds = nanoseconds_of(fraction, digits);
    }
    return cell.empty() && set_epoch(negative, static_cast<std::int64_t>(value), nanoseconds, to);
}

[[noreturn]] void refuse(Bytes text) {
    throw StateError("a message has an unknown format of dates: " + std::string(text));
}

}  // namespace

/// What a cell has of a date in a pattern.
struct DateFormat::Fields {
    unsigned hour = 0;
    unsigned hour_of_half = 0;
    unsigned minute = 0;
    unsigned second = 0;
    bool afternoon = false;
};

bool DateFormat::Part::is_digits() const {
    return directive == 0 ? is_digit(byte) : Bytes("YymdHIMSf").find(directive) != Bytes::npos;
}

DateFormat::DateFormat(Bytes text) : text_(text) {
    if (text == "iso") return;
    if (text == "iso_zoned") {
        form_ = Form::iso_zoned;
    } else if (text == "epoch") {
        form_ = Form::epoch;
    } else if (text == "epoch_ms") {
        form_ = Form::epoch_ms;
    } else {
        form_ = Form::pattern;
        divide(text);
    }
    zoned_ = form_ != Form::pattern || has('z');
}

bool DateFormat::has(char directive) const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&](const Part& part) { return part.directive == directive; });
}

void DateFormat::divide(Bytes pattern) {
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        Part part;
        const bool escaped = pattern[at] == '%';
        if (escaped) ++at;
        const char letter = at < pattern.size() ? pattern[at] : '\0';
        if (!escaped || letter == '%') {
            part.byte = letter;
        } else if (Bytes("YymdHIMSfpbBz").find(letter) == Bytes::npos || has(letter)) {
            refuse(pattern);
        } else {
            part.directive = letter;
        }
        parts_.push_back(part);
    }
    bool fraction_before_digit = false;
    for (std::size_t i = 1; i < parts_.size(); ++i) {
        Part& before = parts_[i - 1];
        Part& after = parts_[i];
        if (before.is_digits() && after.is_digits()) before.exact = after.exact = true;
        if (before.directive == 'f' && after.is_digits()) fraction_before_digit = true;
    }
    const int years = has('Y') + has('y');
    const int months_of_year = has('m') + has('b') + has('B');
    const int hours = has('H') + has('I');
    if (years != 1 || months_of_year != 1 || !has('d') || hours > 1 || has('I') != has('p') ||
        (has('M') && hours == 0) || (has('S') && !has('M')) || (has('f') && !has('S')) ||
        (has('z') && hours == 0) || fraction_before_digit) {
        refuse(pattern);
    }
}

bool DateFormat::take_field(Bytes& text, const Part& part, Fields& fields, Moment& to) {
    std::uint64_t value = 0;
    const std::size_t size = text.size();
    const std::size_t least = part.exact ? 2 : 1;
    const auto take = [&](std::size_t digits, unsigned first, unsigned last, unsigned& field) {
        if (!take_number(text, digits, 2, value) || value < first || value > last) return false;
        field = static_cast<unsigned>(value);
        return true;
    };
    switch (part.directive) {
        case 'Y':
            if (!take_number(text, 4, 4, value)) return false;
            to.date.year = static_cast<unsigned>(value);
            return true;
        case 'y':
            if (!take_number(text, 2, 2, value)) return false;
            to.date.year = static_cast<unsigned>(value < 69 ? 2000 + value : 1900 + value);
            return true;
        case 'm':
            return take(least, 1, 12, to.date.month);
        case 'd':
            return take(least, 1, 31, to.date.day);
        case 'b':
            to.date.month = take_month(text, short_month);
            return to.date.month > 0;
        case 'B':
            to.date.month = take_month(text, Bytes::npos);
            return to.date.month > 0;
        case 'H':
            return take(least, 0, 23, fields.hour);
        case 'I':
            return take(least, 1, 12, fields.hour_of_half);
        case 'M':
            return take(2, 0, 59, fields.minute);
        case 'S':
            return take(2, 0, 59, fields.second);
        case 'f':
            if (!take_number(text, 1, 9, value)) return false;
            to.decimals = static_cast<unsigned>(size - text.size());
            to.nanoseconds = nanoseconds_of(value, to.decimals);
            return true;
        case 'p':
            fields.afternoon = take_word(text, "PM");
            return fields.afternoon || take_word(text, "AM");
        case 'z':
            return take_zone(text, to);
        default:
            if (!text.starts_with(part.byte)) return false;
            text.remove_prefix(1);
            return true;
    }
}

bool DateFormat::read_pattern(Bytes cell, Moment& to) const {
    Fields fields;
    for (const Part& part : parts_) {
        if (!take_field(cell, part, fields, to)) return false;
    }
    if (!cell.empty() || !is_valid(to.date)) return false;
    if (fields.hour_of_half > 0)
        fields.hour = fields.hour_of_half % 12 + (fields.afternoon ? 12 : 0);
    to.seconds = (fields.hour * 60 + fields.minute) * 60 + fields.second;
    return true;
}

bool DateFormat::read(Bytes cell, Moment& to) const {
    to = {};
    switch (form_) {
        case Form::iso:
            return read_moment(cell, to);
        case Form::iso_zoned:
            return read_moment(cell, to) && to.zoned;
        case Form::epoch:
        case Form::epoch_ms:
            return read_epoch(cell, form_ == Form::epoch_ms, to);
        case Form::pattern:
            return read_pattern(cell, to);
    }
    return false;
}

std::optional<Instant> DateFormat::instant(Bytes cell) const {
    if (form_ == Form::iso) return read_date(cell);
    Moment moment;
    if (!read(cell, moment)) return std::nullopt;
    return instant_of(moment);
}

void DateFormat::append_iso(const Moment& moment, std::string& to) const {
    append_truncated(moment, Truncation::day, to);
    const bool epoch = form_ != Form::pattern;
    if (!epoch && !has('H') && !has('I')) return;
    to += 'T';
    append_digits(to, moment.seconds / 3600, 2);
    to += ':';
    append_digits(to, moment.seconds / 60 % 60, 2);
    if (epoch || has('S')) {
        to += ':';
        append_digits(to, moment.seconds % 60, 2);
    }
    if (moment.decimals > 0) {
        std::uint32_t fraction = moment.nanoseconds;
        for (unsigned i = moment.decimals; i < 9; ++i) fraction /= 10;
        to += '.';
        append_digits(to, fraction, moment.decimals);
    }
    if (!moment.zoned) return;
    if (moment.zulu) {
        to += 'Z';
        return;
    }
    // The sign of -00:00 is lost: it is the same zone.
    const auto minutes = static_cast<unsigned>(std::abs(moment.offset)) / 60;
    to += moment.offset < 0 ? '-' : '+';
    append_digits(to, minutes / 60, 2);
    to += ':';
    append_digits(to, minutes % 60, 2);
}

std::string DateFormat::expected(bool truncate) const {
    switch (form_) {
        case Form::iso:
            return truncate ? expected_calendar_date
                            : "a date without a time zone, such as 2020-01-31 or "
                              "2020-01-31T23:59:59";
        case Form::iso_zoned:
            return "a date with a time zone, such as 2020-01-31T23:59:59Z";
        case Form::epoch:
            return "seconds since 1970-01-01T00:00:00Z, such as 1580515199";
        case Form::epoch_ms:
            return "milliseconds since 1970-01-01T00:00:00Z, such as 1580515199000";
        case Form::pattern:
            break;
    }
    std::string example;
    for (const Part& part : parts_) {
        switch (part.directive) {
            case 'Y':
                example += "2020";
                break;
            case 'y':
                example += "20";
                break;
            case 'm':
                example += "01";
                break;
            case 'd':
                example += "31";
                break;
            case 'b':
                example += "Jan";
                break;
            case 'B':
                example += "January";
                break;
            case 'H':
                example += "23";
                break;
            case 'I':
                example += "11";
                break;
            case 'M':
            case 'S':
                example += "59";
                break;
            case 'f':
                example += "123";
                break;
            case 'p':
                example += "PM";
                break;
            case 'z':
                example += "+02:00";
                break;
            default:
                example += part.byte;
        }
    }
    return "a date written as " + text_ + ", such as " + example;
}

}  // namespace csvmill
