"""How dates are written in a file: ISO 8601, a pattern of directives, or seconds since 1970."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.aggregation.common_dates import COMMON_EPOCHS, COMMON_PATTERNS, LONGEST_DATE
from shared.aggregation.dates import (
    EXPECTED_CALENDAR_DATE,
    EXPECTED_DATE,
    EXPECTED_ZONED_DATE,
    ZONE,
    Moment,
    read_moment,
    zone_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[bytes], Moment | None]

ISO = "iso"
ZONED = "iso_zoned"
NAMED = (ISO, ZONED, "epoch", "epoch_ms")
"""The formats that are not patterns."""
MAX_LENGTH = 100
"""The maximum length of a pattern in characters."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DIRECTIVES: dict[str, tuple[str, str]] = {
    "Y": ("[0-9]{4}", "2020"),
    "y": ("[0-9]{2}", "20"),
    "m": ("[0-9]{1,2}", "01"),
    "d": ("[0-9]{1,2}", "31"),
    "H": ("[0-9]{1,2}", "23"),
    "I": ("[0-9]{1,2}", "11"),
    "M": ("[0-9]{2}", "59"),
    "S": ("[0-9]{2}", "59"),
    "f": ("[0-9]{1,9}", "123"),
    "p": ("(?i:AM|PM)", "PM"),
    "b": (f"(?i:{'|'.join(name[:3] for name in _MONTHS)})", "Jan"),
    "B": (f"(?i:{'|'.join(_MONTHS)})", "January"),
    "z": (ZONE, "+02:00"),
}
"""The text that each directive matches, and an example: 2020-01-31T23:59:59.123+02:00."""
_NUMBERS = "YymdHIMSf"
_NEEDED: tuple[tuple[str, str, str], ...] = (
    ("I", "p", "send %p with %I, for AM or PM"),
    ("p", "I", "send %I with %p, for the hours from 1 to 12"),
    ("M", "HI", "send %H or %I with %M"),
    ("S", "M", "send %M with %S"),
    ("f", "S", "send %S with %f"),
    ("z", "HI", "send %H or %I with %z"),
)
"""Directives that need one of others, and what to send."""
_DAY, _EPOCH = 86400, date(1970, 1, 1).toordinal()
_seconds = re.compile(rb"-?[0-9]{1,12}(?:\.([0-9]{1,9}))?").fullmatch
_milliseconds = re.compile(rb"-?[0-9]{1,15}").fullmatch


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A way to write dates. The default is ISO 8601, without time zones in comparisons."""

    text: str = ISO
    """One of `NAMED`, or a pattern."""

    @property
    def zoned(self) -> bool:
        """Whether each date has a time zone, so that comparisons are those of points in time."""
        return _directives(self.text)[1] if self.text not in NAMED else self.text != ISO

    @property
    def of_values(self) -> DateFormat:
        """The format of dates in a spec and in a result."""
        return DateFormat(ZONED if self.zoned else ISO)

    def read(self, cell: bytes) -> Moment | None:
        """Return the date in `cell`, or None. The default also accepts a time zone."""
        return _reader(self.text)(cell)

    def key(self, cell: bytes) -> tuple[int, int] | None:
        """Return a value that sorts by time, for comparisons, or None.

        The default refuses time zones, as a comparison could mix dates with zones and without.
        """
        moment = self.read(cell)
        if moment is None or (self.text == ISO and moment.zone is not None):
            return None
        return moment.instant

    def iso(self, cell: bytes) -> bytes:
        """Return the date in `cell`, which must have one, as ISO 8601 writes it."""
        moment = self.read(cell)
        if self.text in (ISO, ZONED) or moment is None:
            return cell
        directives = "HS" if self.text in NAMED else _directives(self.text)[0]
        text = moment.day.isoformat()
        if "H" in directives or "I" in directives:
            minutes, second = divmod(moment.second, 60)
            text += f"T{minutes // 60:02}:{minutes % 60:02}"
            if "S" in directives:
                text += f":{second:02}"
            if moment.fraction:
                text += f".{moment.fraction}"
            text += moment.zone or ""
        return text.encode()

    def expected(self, *, truncate: bool = False) -> str:
        """Return the description of a date for a message; `truncate`: about a part of it."""
        if self.text == ISO:
            return EXPECTED_CALENDAR_DATE if truncate else EXPECTED_DATE
        if self.text == ZONED:
            return EXPECTED_ZONED_DATE
        if self.text in NAMED:
            seconds, zeros = ("seconds", "") if self.text == "epoch" else ("milliseconds", "000")
            return f"{seconds} since 1970-01-01T00:00:00Z, such as 1580515199{zeros}"
        example = "".join(
            _DIRECTIVES[part[1]][1] if part in _PATTERN_PARTS else part.replace("%%", "%")
            for part in _parts(self.text)
        )
        return f"a date written as {self.text}, such as {example}"

    def suggestion(self, cell: bytes) -> str:
        """Return the end of a message: what to set if `cell` is a date all the same, or nothing."""
        if self.text != ISO:
            return ""
        if self.read(cell) is not None:
            return f"; if all dates have a time zone, set input.date to {ZONED!r}"
        if len(cell) > LONGEST_DATE:
            return ""
        found = [text for text in COMMON_PATTERNS if DateFormat(text).read(cell) is not None]
        if len(cell) in COMMON_EPOCHS and re.fullmatch(rb"[0-9]+", cell):
            found.append(COMMON_EPOCHS[len(cell)])
        return f"; if it is one, set input.date to {' or '.join(map(repr, found))}" if found else ""


ISO_DATES = DateFormat()


def check_date_format(text: str) -> None:
    """Raise ValueError, with what to send instead, if `text` is no format of dates."""
    if text in NAMED:
        return
    if "%" not in text or len(text) > MAX_LENGTH:
        raise ValueError(
            f"send {', '.join(NAMED)}, or a pattern such as %d/%m/%Y of at most "
            f"{MAX_LENGTH} characters"
        )
    found, _ = _directives(text)
    if unknown := sorted(set(found) - set(_DIRECTIVES)):
        known = ", ".join(f"%{name}" for name in _DIRECTIVES)
        raise ValueError(f"send a pattern of {known}, and %% for a percent sign: {unknown[0]!r}")
    if len(set(found)) < len(found):
        raise ValueError("send each directive once")
    for several, name in (("Yy", "year"), ("mbB", "month"), ("d", "day")):
        if sum(each in several for each in found) != 1:
            directives = " or ".join(f"%{each}" for each in several)
            raise ValueError(f"send one {name}: {directives}")
    if "H" in found and "I" in found:
        raise ValueError("send %H or %I, not both")
    for name, others, hint in _NEEDED:
        if name in found and not any(other in found for other in others):
            raise ValueError(hint)
    parts = _parts(text)
    if any(part == "%f" and _is_digits(after) for part, after in pairwise(parts)):
        raise ValueError("send a character that is not a digit after %f")


_PATTERN_PARTS = frozenset(f"%{name}" for name in _DIRECTIVES)


def _parts(pattern: str) -> list[str]:
    """Return directives, which begin with `%`, and single characters."""
    return re.findall("%?.|%", pattern, re.DOTALL)


def _directives(pattern: str) -> tuple[str, bool]:
    """Return the letters of all directives, and whether there is a time zone."""
    found = "".join(part[1:] for part in _parts(pattern) if part[0] == "%" and part != "%%")
    if any(part == "%" for part in _parts(pattern)):
        found += "%"
    return found, "z" in found


def _is_digits(part: str) -> bool:
    return part[1:] in _NUMBERS if part in _PATTERN_PARTS else part in "0123456789"


@lru_cache(maxsize=64)
def _reader(text: str) -> Read:
    if text == ISO:
        return read_moment
    if text == ZONED:
        return _read_zoned
    if text in NAMED:
        return _read_seconds if text == "epoch" else _read_milliseconds
    return _pattern_reader(text)


def _read_zoned(cell: bytes) -> Moment | None:
    moment = read_moment(cell)
    return None if moment is None or moment.zone is None else moment


def _pattern_reader(pattern: str) -> Read:
    parts = _parts(pattern)
    names, regex = [], ""
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if part not in _PATTERN_PARTS:
            regex += re.escape(part.replace("%%", "%"))
            continue
        names.append(part[1])
        matched = _DIRECTIVES[part[1]][0]
        if any(beside and _is_digits(beside) for beside in (before, after)):
            matched = matched.replace("{1,2}", "{2}")
        regex += matched if part == "%z" else f"({matched})"
    is_date = re.compile(regex.encode(), re.DOTALL).fullmatch

    def read(cell: bytes) -> Moment | None:
        match = is_date(cell)
        if match is None:
            return None
        return _moment({n: v.decode() for n, v in zip(names, match.groups(), strict=True)})

    return read


def _moment(found: dict[str, str]) -> Moment | None:
    year = int(found.get("Y") or found["y"])
    if "y" in found:
        year += 2000 if year < 69 else 1900
    month = int(found.get("m", 0))
    for name in ("b", "B"):
        if name in found:
            month = [each[:3] for each in _MONTHS].index(found[name][:3].capitalize()) + 1
    hour, minute, second = (int(found.get(name, 0)) for name in "HMS")
    if "I" in found:
        hour = int(found["I"]) % 12 + (12 if found["p"].upper() == "PM" else 0)
        if not 1 <= int(found["I"]) <= 12:
            return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        day = date(year, month, int(found["d"]))
    except ValueError:
        return None
    zone = zone_of(found["z"]) if "z" in found else None
    # -00:00 is the same zone.
    zone = "+00:00" if zone == "-00:00" else zone
    return Moment(day, (hour * 60 + minute) * 60 + second, found.get("f", ""), zone)


def _read_seconds(cell: bytes) -> Moment | None:
    match = _seconds(cell)
    if match is None:
        return None
    whole, _, fraction = cell.partition(b".")
    nanoseconds = abs(int(whole)) * 10**9 + int(fraction.ljust(9, b"0"))
    return _since_1970(-nanoseconds if cell.startswith(b"-") else nanoseconds)


def _read_milliseconds(cell: bytes) -> Moment | None:
    return _since_1970(int(cell) * 10**6) if _milliseconds(cell) else None


def _since_1970(nanoseconds: int) -> Moment | None:
    seconds, rest = divmod(nanoseconds, 10**9)
    days, second = divmod(seconds, _DAY)
    try:
        day = date.fromordinal(_EPOCH + days)
    except (ValueError, OverflowError):
        return None
    return Moment(day, second, f"{rest:09}".rstrip("0"), "Z")
