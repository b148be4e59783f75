/// Dates and times as docs/csv.md describes them, and shared/aggregation/cells.py reads them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "text/bytes.hpp"

namespace csvmill {

enum class Truncation { day, week, month, year };

/// A part of a date, in digits: 4 of a year, 1 of a weekday (1 is Monday), else 2.
enum class DatePart { year, month, day, hour, weekday };

/// A point in time without a zone.
struct Instant {
    std::int64_t seconds = 0;  ///< Since 0001-01-01T00:00:00.
    std::uint32_t nanoseconds = 0;
    auto operator<=>(const Instant&) const = default;
};

/// Reads a date, with or without a time. Time zones are refused.
std::optional<Instant> read_date(Bytes cell);

/// Whether `append_truncated` accepts the cell: a date, with or without a time and zone.
bool is_calendar_date(Bytes cell);

/// The bytes at the start of a date that `append_truncated` keeps; 0 for a week, which is not a
/// part of the date.
constexpr std::size_t kept_of_date(Truncation truncation) {
    switch (truncation) {
        case Truncation::day:
            return sizeof("2020-01-31") - 1;
        case Truncation::month:
            return sizeof("2020-01") - 1;
        case Truncation::year:
            return sizeof("2020") - 1;
        case Truncation::week:
            break;
    }
    return 0;
}

/// Appends day, ISO week, month or year of a date as it is written; a time zone is allowed and not
/// applied. Returns false, and appends nothing, if the cell is not a date.
bool append_truncated(Bytes cell, Truncation truncation, std::string& to);

/// Appends a part of a date as it is written, as `append_truncated` does. The hour of a date without
/// a time is 00.
bool append_part(Bytes cell, DatePart part, std::string& to);

/// The description of a date for a message about `truncate` or `part`.
inline constexpr const char* expected_calendar_date =
    "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z";

}  // namespace csvmill
