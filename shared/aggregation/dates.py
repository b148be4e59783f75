"""Read dates as ISO 8601 writes them, with or without a time and a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.aggregation.kinds import Truncation

MAX_DATE_LENGTH = len("2020-01-31T23:59:59.123456789+02:00")
"""The maximum length of a date in bytes; longer cells are not cached."""
EXPECTED_DATE = "a date without a time zone, such as 2020-01-31 or 2020-01-31T23:59:59"
EXPECTED_CALENDAR_DATE = "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z"
EXPECTED_ZONED_DATE = "a date with a time zone, such as 2020-01-31T23:59:59Z"
ZONE = "(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
"""A time zone."""

_date = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ](([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?)"
    rf"{ZONE}?)?"
).fullmatch


@dataclass(frozen=True, slots=True)
class Moment:
    """A date with a time, as a cell has it."""

    day: date
    second: int = 0
    """Of the day."""
    fraction: str = ""
    """The decimals of the second."""
    zone: str | None = None
    """`Z`, or a difference such as `+02:00`; None if there is none."""

    @property
    def instant(self) -> tuple[int, int]:
        """Seconds, with the zone applied if there is one, and nanoseconds."""
        offset = 0
        if self.zone is not None and self.zone != "Z":
            minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:6])
            offset = minutes * (-60 if self.zone[0] == "-" else 60)
        seconds = self.day.toordinal() * 86400 + self.second - offset
        return seconds, int(self.fraction.ljust(9, "0"))

    def truncated(self, truncation: Truncation) -> bytes:
        """Return hour, day, ISO week (ISO 8601), month, quarter or year. A zone is not applied."""
        day = self.day
        if truncation == "week":
            iso = day.isocalendar()
            text = f"{iso.year:04}-W{iso.week:02}"
        elif truncation == "quarter":
            text = f"{day.year:04}-Q{(day.month + 2) // 3}"
        elif truncation == "hour":
            text = f"{day.isoformat()}T{self.second // 3600:02}"
        else:
            text = day.isoformat()[: {"day": 10, "month": 7, "year": 4}[truncation]]
        return text.encode()


def read_moment(cell: bytes) -> Moment | None:
    """Return the date in `cell`, with its time and zone if it has them, or None."""
    return None if len(cell) > MAX_DATE_LENGTH else _read_moment(cell)


def read_date(cell: bytes) -> tuple[int, int] | None:
    """Return the date in `cell` as a value that sorts by time, or None. Zones are refused."""
    moment = read_moment(cell)
    return None if moment is None or moment.zone is not None else moment.instant


def truncated(cell: bytes, truncation: Truncation) -> bytes | None:
    """Return a part of the date in `cell`, as it is written: no zone is applied; or None."""
    moment = read_moment(cell)
    return None if moment is None else moment.truncated(truncation)


def zone_of(text: str) -> str:
    """Return a zone as it is written in `Moment`."""
    return text if text == "Z" or ":" in text else f"{text[:3]}:{text[3:]}"


@lru_cache(maxsize=1 << 12)
def _read_moment(cell: bytes) -> Moment | None:
    if not cell.isascii():
        return None
    match = _date(cell.decode())
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    hour, minute, second = (int(match[i] or 0) for i in (5, 6, 7))
    zone = None if match[9] is None else zone_of(match[9])
    return Moment(day, (hour * 60 + minute) * 60 + second, match[8] or "", zone)
