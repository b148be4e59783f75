#include "values/date.hpp"

#include <array>
#include <cstring>

namespace csvmill {

namespace {

constexpr std::size_t max_length = sizeof("2020-01-31T23:59:59.123456789+02:00") - 1;
constexpr std::size_t date_length = sizeof("2020-01-31") - 1;

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

unsigned days_of_month(const CalendarDate& date) {
    return static_cast<unsigned>(days_before_month[date.month + 1]) -
           days_before_month[date.month] + (date.month == 2 && is_leap(date.year) ? 1 : 0);
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
    return date.day <= 28 || date.day <= days_of_month(date);
}

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
bool read_time(Bytes text, Moment& moment) {
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
                moment.nanoseconds =
                    moment.nanoseconds * 10 + static_cast<unsigned>(text[digits] - '0');
            }
            if (digits == 0) return false;
            text.remove_prefix(digits);
            for (; digits < 9; ++digits) moment.nanoseconds *= 10;
        }
    }
    moment.seconds = (hour * 60 + minute) * 60 + second;
    return text.empty() || (take_zone(text, moment) && text.empty());
}

bool read(Bytes cell, Moment& moment) {
    if (cell.size() == date_length) return read_calendar_date(cell, moment.date);
    if (cell.size() < date_length || cell.size() > max_length) return false;
    return read_calendar_date(cell, moment.date) && read_time(cell.substr(date_length), moment);
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
    append_digits(to, year, 4);
    to += "-W";
    append_digits(to, (thursday - weekday) / 7 + 1, 2);
}

}  // namespace

bool is_valid(const CalendarDate& date) {
    return date.year - 1 < 9999 && date.month - 1 < 12 && date.day > 0 &&
           date.day <= days_of_month(date);
}

CalendarDate date_after(std::int64_t days) {
    constexpr unsigned days_of_400_years = 146097;
    const auto all = static_cast<unsigned>(days);
    // The year is at most one less: a year of the calendar is longer than 365 days on average.
    unsigned year = 1 + all / days_of_400_years * 400 + all % days_of_400_years / 366;
    while (year < 9999 && days_before_year(year + 1) <= all) ++year;
    CalendarDate date{year, 1, 1};
    const unsigned of_year = all - days_before_year(year);
    while (date.month < 12 && day_of_year({year, date.month + 1, 1}) <= of_year) ++date.month;
    date.day = of_year - day_of_year(date) + 1;
    return date;
}

Instant instant_of(const Moment& moment) {
    const std::int64_t days = days_before_year(moment.date.year) + day_of_year(moment.date);
    return {days * seconds_of_day + moment.seconds - moment.offset, moment.nanoseconds};
}

bool read_moment(Bytes cell, Moment& to) {
    to = {};
    return read(cell, to);
}

bool take_zone(Bytes& text, Moment& to) {
    to.zoned = true;
    if (take(text, 'Z')) {
        to.zulu = true;
        return true;
    }
    const bool west = text.starts_with('-');
    if (!take(text, '+') && !take(text, '-')) return false;
    unsigned hour = 0;
    unsigned minute = 0;
    if (!take_two(text, 23, hour)) return false;
    take(text, ':');
    if (!take_two(text, 59, minute)) return false;
    const int offset = static_cast<int>(hour * 60 + minute) * 60;
    to.offset = west ? -offset : offset;
    return true;
}

std::optional<Instant> read_date(Bytes cell) {
    if (cell.size() == date_length) [[likely]] {
        CalendarDate date;
        if (!read_calendar_date(cell, date)) return std::nullopt;
        const std::int64_t days = days_before_year(date.year) + day_of_year(date);
        return Instant{days * seconds_of_day, 0};
    }
    Moment moment;
    if (!read(cell, moment) || moment.zoned) return std::nullopt;
    return instant_of(moment);
}

bool is_calendar_date(Bytes cell) {
    if (cell.size() == date_length) [[likely]] {
        CalendarDate date;
        return read_calendar_date(cell, date);
    }
    Moment moment;
    return read(cell, moment);
}

bool append_truncated(Bytes cell, Truncation truncation, std::string& to) {
    Moment moment;
    if (!read(cell, moment)) return false;
    append_truncated(moment, truncation, to);
    return true;
}

void append_truncated(const Moment& moment, Truncation truncation, std::string& to) {
    const CalendarDate& date = moment.date;
    if (truncation == Truncation::week) return append_week(date, to);
    append_digits(to, date.year, 4);
    if (truncation == Truncation::year) return;
    to += '-';
    if (truncation == Truncation::quarter) {
        to += 'Q';
        return append_digits(to, (date.month + 2) / 3, 1);
    }
    append_digits(to, date.month, 2);
    if (truncation == Truncation::month) return;
    to += '-';
    append_digits(to, date.day, 2);
    if (truncation == Truncation::day) return;
    to += 'T';
    append_digits(to, moment.seconds / 3600, 2);
}

void append_part(const Moment& moment, DatePart part, std::string& to) {
    switch (part) {
        case DatePart::year:
            return append_digits(to, moment.date.year, 4);
        case DatePart::month:
            return append_digits(to, moment.date.month, 2);
        case DatePart::day:
            return append_digits(to, moment.date.day, 2);
        case DatePart::hour:
            return append_digits(to, moment.seconds / 3600, 2);
        case DatePart::weekday:
            return append_digits(to, weekday_of(moment.date) + 1, 1);
    }
}

bool append_part(Bytes cell, DatePart part, std::string& to) {
    Moment moment;
    if (!read(cell, moment)) return false;
    append_part(moment, part, to);
    return true;
}

void append_digits(std::string& to, unsigned value, unsigned width) {
    for (unsigned place = width; place > 0; --place) {
        unsigned digit = value;
        for (unsigned i = 1; i < place; ++i) digit /= 10;
        to += static_cast<char>('0' + digit % 10);
    }
}

}  // namespace csvmill
