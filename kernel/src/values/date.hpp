/// Dates and times as docs/aggregation.md describes them, and shared/aggregation/cells.py reads
/// them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "text/bytes.hpp"

namespace csvmill {

enum class Truncation { day, week, month, year, hour, quarter };

/// A part of a date, in digits: 4 of a year, 1 of a weekday (1 is Monday), else 2.
enum class DatePart { year, month, day, hour, weekday };

/// A point in time without a zone.
struct Instant {
    std::int64_t seconds = 0;  ///< Since 0001-01-01T00:00:00.
    std::uint32_t nanoseconds = 0;
    auto operator<=>(const Instant&) const = default;
};

/// A day of the Gregorian calendar.
struct CalendarDate {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
};

/// The first and the last second of the years 1 to 9999, since 0001-01-01T00:00:00.
inline constexpr std::int64_t seconds_of_day = 86400;
inline constexpr std::int64_t days_of_calendar = 3652059;

/// Whether the month has this day.
bool is_valid(const CalendarDate& date);

/// The date that is `days` after 0001-01-01, less than `days_of_calendar`.
CalendarDate date_after(std::int64_t days);

/// A date with a time, as a cell has it.
struct Moment {
    CalendarDate date;
    unsigned seconds = 0;  ///< Of the day.
    std::uint32_t nanoseconds = 0;
    unsigned decimals = 0;  ///< Of the seconds, as they are written.
    bool zoned = false;
    int offset = 0;     ///< Of the zone, in seconds; east of UTC is positive.
    bool zulu = false;  ///< Whether the zone is written as Z.
};

/// The point in time of a moment, with its zone applied if it has one.
Instant instant_of(const Moment& moment);

/// Reads a date as ISO 8601 writes it, with or without a time and a zone. Returns false, and leaves
/// `to` unspecified, if it is none.
bool read_moment(Bytes cell, Moment& to);

/// Removes a time zone (`Z`, `+02:00`, `+0200`) from the start of `text`.
bool take_zone(Bytes& text, Moment& to);

/// Reads a date, with or without a time. Time zones are refused.
std::optional<Instant> read_date(Bytes cell);

/// Whether `append_truncated` accepts the cell: a date, with or without a time and zone.
bool is_calendar_date(Bytes cell);

/// The bytes at the start of a date that `append_truncated` keeps; 0 if what it writes is not a
/// part of the cell.
constexpr std::size_t kept_of_date(Truncation truncation) {
    switch (truncation) {
        case Truncation::day:
            return sizeof("2020-01-31") - 1;
        case Truncation::month:
            return sizeof("2020-01") - 1;
        case Truncation::year:
            return sizeof("2020") - 1;
        case Truncation::week:
        case Truncation::hour:
        case Truncation::quarter:
            break;
    }
    return 0;
}

/// Appends hour, day, ISO week, month, quarter or year of a date as it is written; a time zone is
/// allowed and not applied. Returns false, and appends nothing, if the cell is not a date.
bool append_truncated(Bytes cell, Truncation truncation, std::string& to);
void append_truncated(const Moment& moment, Truncation truncation, std::string& to);

/// Appends `value` with `width` digits, of which the first ones may be zeros.
void append_digits(std::string& to, unsigned value, unsigned width);

/// Appends a part of a date as it is written, as `append_truncated` does. The hour of a date
/// without a time is 00.
bool append_part(Bytes cell, DatePart part, std::string& to);
void append_part(const Moment& moment, DatePart part, std::string& to);

/// The description of a date for a message about `truncate` or `part`.
inline constexpr const char* expected_calendar_date =
    "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z";

}  // namespace csvmill
