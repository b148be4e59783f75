#include "values/date.hpp"

#include <array>
#include <cstring>

namespace csvmill {

namespace {

constexpr std::size_t max_length = sizeof("2020-01-31T23:59:59.123456789+02:00") - 1;
constexpr std::size_t date_length = sizeof("2020-01-31") - 1;

struct CalendarDate {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
};

constexpr bool is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr std::array<std::uint16_t, 14> days_before_month = {0,   0,   31,  59,  90,  120, 151,
                                                             181, 212, 243, 273, 304, 334, 365};

/// Days of the year before this one; 0 on 1 January.
unsigned day_of_year(const CalendarDate& date) {
    return days_before_month[date.month] + (date.month > 2 && is_leap(date.year) ? 1 : 0) +
           date.day - 1;
}

/// Days from 0001-01-01, a Monday.
unsigned days_before_year(unsigned year) {
    const unsigned past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

/// Reads the first ten bytes of `cell`, which has as many.
bool read_calendar_date(Bytes cell, CalendarDate& date) {
    // "0000-00-" and "00" as little-endian numbers: digits become 0 to 9, dashes zero.
    std::uint64_t first = 0;
    std::uint16_t last = 0;
    std::memcpy(&first, cell.data(), sizeof first);
    std::memcpy(&last, cell.data() + sizeof first, sizeof last);
    first ^= 0x2d30302d30303030;
    last ^= 0x3030;
    // The highest bit of a byte is set by the sum if a digit is above 9, or a dash above 0.
    if ((((first + 0x7f76767f76767676) | first) & 0x8080808080808080) != 0) return false;
    if ((((last + 0x7676u) | last) & 0x8080) != 0) return false;
    const auto digit = [&](unsigned at) { return static_cast<unsigned>(first >> (8 * at) & 0xff); };
    date.year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3);
    date.month = digit(5) * 10 + digit(6);
    date.day = (last & 0xffu) * 10 + (last >> 8u);
    if (date.year == 0 || date.month - 1 > 11 || date.day == 0) return false;
    if (date.day <= 28) return true;
    const unsigned days = static_cast<unsigned>(days_before_month[date.month + 1]) -
                          days_before_month[date.month] +
                          (date.month == 2 && is_leap(date.year) ? 1 : 0);
    return date.day <= days;
}

struct Time {
    unsigned seconds = 0;
    std::uint32_t nanoseconds = 0;
    bool zone = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Removes two digits that are at most `greatest` from the start of `text`.
bool take_two(Bytes& text, unsigned greatest, unsigned& value) {
    if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return false;
    value = static_cast<unsigned>(text[0] - '0') * 10 + static_cast<unsigned>(text[1] - '0');
    text.remove_prefix(2);
    return value <= greatest;
}

bool take(Bytes& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

/// Reads what follows the date: nothing, or a time.
bool read_time(Bytes text, Time& time) {
    if (text.empty()) return true;
    if (!take(text, 'T') && !take(text, ' ')) return false;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    if (!take_two(text, 23, hour) || !take(text, ':') || !take_two(text, 59, minute)) return false;
    if (take(text, ':')) {
        if (!take_two(text, 59, second)) return false;
        if (take(text, '.')) {
            std::size_t digits = 0;
            for (; digits < 9 && digits < text.size() && is_digit(text[digits]); ++digits) {
                time.nanoseconds =
                    time.nanoseconds * 10 + static_cast<unsigned>(text[digits] - '0');
            }
            if (digits == 0) return false;
            text.remove_prefix(digits);
            for (; digits < 9; ++digits) time.nanoseconds *= 10;
        }
    }
    time.seconds = (hour * 60 + minute) * 60 + second;
    if (text.empty()) return true;
    time.zone = true;
    if (take(text, 'Z')) return text.empty();
    if (!take(text, '+') && !take(text, '-')) return false;
    if (!take_two(text, 23, hour)) return false;
    take(text, ':');
    return take_two(text, 59, minute) && text.empty();
}

bool read(Bytes cell, CalendarDate& date, Time& time) {
    if (cell.size() == date_length) [[likely]]
        return read_calendar_date(cell, date);
    if (cell.size() < date_length || cell.size() > max_length) return false;
    return read_calendar_date(cell, date) && read_time(cell.substr(date_length), time);
}

/// Days since a Monday.
unsigned weekday_of(const CalendarDate& date) {
    return (days_before_year(date.year) + day_of_year(date)) % 7;
}

/// The ISO week of a date belongs to the year of its Thursday. 0001-01-01 is a Monday and
/// 9999-12-31 a Friday, so that this year has four digits too.
void append_week(const CalendarDate& date, std::string& to) {
    const unsigned of_year = day_of_year(date);
    const unsigned weekday = weekday_of(date);
    unsigned year = date.year;
    unsigned thursday = of_year + 3;
    const unsigned days = is_leap(year) ? 366 : 365;
    if (thursday < weekday) {
        --year;
        thursday += is_leap(year) ? 366 : 365;
    } else if (thursday - weekday >= days) {
        ++year;
        thursday -= days;
    }
    const unsigned week = (thursday - weekday) / 7 + 1;
    const auto digit = [](unsigned value) { return static_cast<char>('0' + value % 10); };
    const std::array<char, 8> text = {
        digit(year / 1000), digit(year / 100), digit(year / 10), digit(year), '-', 'W',
        digit(week / 10),   digit(week)};
    to.append(text.data(), text.size());
}

}  // namespace

std::optional<Instant> read_date(Bytes cell) {
    CalendarDate date;
    Time time;
    if (!read(cell, date, time) || time.zone) return std::nullopt;
    const std::int64_t days = days_before_year(date.year) + day_of_year(date);
    return Instant{days * 86400 + time.seconds, time.nanoseconds};
}

bool is_calendar_date(Bytes cell) {
    CalendarDate date;
    if (cell.size() == date_length) [[likely]]
        return read_calendar_date(cell, date);
    Time time;
    return read(cell, date, time);
}

bool append_truncated(Bytes cell, Truncation truncation, std::string& to) {
    CalendarDate date;
    Time time;
    if (!read(cell, date, time)) return false;
    if (truncation == Truncation::week) {
        append_week(date, to);
    } else {
        to.append(cell.data(), kept_of_date(truncation));
    }
    return true;
}

bool append_part(Bytes cell, DatePart part, std::string& to) {
    CalendarDate date;
    Time time;
    if (!read(cell, date, time)) return false;
    constexpr std::size_t hour = date_length + 1;
    switch (part) {
        case DatePart::year:
            to += cell.substr(0, 4);
            break;
        case DatePart::month:
            to += cell.substr(5, 2);
            break;
        case DatePart::day:
            to += cell.substr(8, 2);
            break;
        case DatePart::hour:
            to += cell.size() > hour ? cell.substr(hour, 2) : Bytes("00");
            break;
        case DatePart::weekday:
            to += static_cast<char>('1' + weekday_of(date));
            break;
    }
    return true;
}

}  // namespace csvmill
