"""Read cells as numbers and dates, strictly. Numbers are decimals of any size, never floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.aggregation.kinds import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.aggregation.kinds import Kind, Truncation

    Read = Callable[[bytes], Any]

MAX_EXPONENT = 400
"""The maximum absolute value of an exponent of ten. It allows every double (IEEE 754 binary64), and
prevents that a cell of a few bytes becomes a number of a gigabyte."""

MAX_DATE_LENGTH = len("2020-01-31T23:59:59.123456789+02:00")
"""The maximum length of a date in bytes; longer cells are not cached."""

EXPECTED: dict[Kind, str] = {
    "integer": "an integer, such as 42 or -7",
    "number": f"a number, such as 42, -0.5 or 1e3 (exponents from -{MAX_EXPONENT} "
    f"to {MAX_EXPONENT})",
    "date": "a date without a time zone, such as 2020-01-31 or 2020-01-31T23:59:59",
    "text": "text",
}
EXPECTED_CALENDAR_DATE = "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z"

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""A decimal context whose arithmetic is exact, or raises."""

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch
_number = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,9}))?").fullmatch
_date = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ](([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?)"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?"
).fullmatch


_EQUIVALENT = {" ": " \u00a0\u202f", "'": "'\u2019"}
"""Characters that also count as a thousands separator: spreadsheets write no-break spaces and the
typographic apostrophe."""


def read_integer(cell: bytes) -> Decimal | None:
    """Return the integer in `cell`, of any size, or None if it is not an integer."""
    if cell.isdigit() or _is_integer(cell):
        return Decimal(cell.decode())
    return None


def read_number(cell: bytes) -> Decimal | None:
    """Return the number in `cell` with all its decimals, or None if it is not a number."""
    if cell.isdigit():
        return Decimal(cell.decode())
    match = _number(cell)
    if match is None or (match[1] and abs(int(match[1])) > MAX_EXPONENT):
        return None
    return Decimal(cell.decode())


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written in a file. Values in a spec always have the default notation."""

    decimal: str = "."
    thousands: str = ""
    """The optional separator between groups of three digits; empty for none."""

    @property
    def readers(self) -> Mapping[Kind, Read]:
        """The function that reads a cell as each kind, and returns None for another kind."""
        return _readers(self)

    def expected(self, kind: Kind) -> str:
        """Return the description of a kind for a message."""
        if self == CANONICAL or kind not in NUMERIC:
            return EXPECTED[kind]
        grouped = f"1{self.thousands}234" if self.thousands else "1234"
        if kind == "integer":
            return f"an integer, such as 42 or -{grouped}"
        return f"a number, such as 42, -0{self.decimal}5 or {grouped}{self.decimal}5"

    def expected_with_hint(self, kind: Kind, cell: bytes) -> str:
        """Return `expected`, with a hint if other settings would make `cell` of that kind."""
        expected, hint = self.expected(kind), self.hint(kind, cell)
        return expected if hint is None else f"{expected}; if it is one, set {hint}"

    def hint(self, kind: Kind, cell: bytes) -> str | None:
        """Return the settings with which `cell` is of a numeric kind; None if there are none."""
        if kind not in NUMERIC or not looks_numeric(cell):
            return None
        changes = [
            [
                f"input.{name} to {value!r}"
                for name, value, current in (
                    ("decimal", other.decimal, self.decimal),
                    ("thousands", other.thousands, self.thousands),
                )
                if value != current
            ]
            for other in NOTATIONS
            if other != self
            and other.readers[kind](cell) is not None
            # Do not suggest a separator that the cell does not have.
            and (
                other.thousands in ("", self.thousands)
                or Notation(other.decimal).readers[kind](cell) is None
            )
        ]
        least = min(map(len, changes), default=0)
        ways = [" and ".join(change) for change in changes if len(change) == least]
        return " or ".join(ways) if ways else None


@lru_cache(maxsize=64)
def _readers(notation: Notation) -> Mapping[Kind, Read]:
    if notation == CANONICAL:
        number: Read = read_number
        integer: Read = read_integer
    else:
        plain = _plain_of(notation)

        def number(cell: bytes) -> Decimal | None:
            text = plain(cell)
            return None if text is None else read_number(text)

        def integer(cell: bytes) -> Decimal | None:
            text = plain(cell)
            return None if text is None else read_integer(text)

    return {"number": number, "integer": integer, "date": read_date, "text": lambda cell: cell}


def _plain_of(notation: Notation) -> Callable[[bytes], bytes | None]:
    """Return a function that converts a number to the canonical notation, or returns None.

    Either all digits are in groups of three, or none are. The first group does not begin with zero:
    `0.001` never means 1.
    """
    decimal = notation.decimal.encode()
    separators = [s.encode() for s in _EQUIVALENT.get(notation.thousands, notation.thousands)]
    any_of = b"|".join(map(re.escape, separators)) or b"(?!)"
    digits = rb"(?:[1-9][0-9]{0,2}(%s)[0-9]{3}(?:\1[0-9]{3})*|[0-9]+)" % any_of
    is_number = re.compile(
        rb"[+-]?(?:%s(?:%s[0-9]*)?|%s[0-9]+)(?:[eE][+-]?[0-9]+)?"
        % (digits, re.escape(decimal), re.escape(decimal))
    ).fullmatch

    def plain(cell: bytes) -> bytes | None:
        match = is_number(cell)
        if match is None:
            return None
        text = cell.replace(match[1], b"") if match[1] else cell
        return text.replace(decimal, b".")

    return plain


def read_date(cell: bytes) -> str | None:
    """Return the date in `cell` as text that sorts by time, or None. Time zones are refused."""
    return None if len(cell) > MAX_DATE_LENGTH else _read_date(cell)


def truncated(cell: bytes, truncation: Truncation) -> bytes | None:
    """Return day, ISO week (ISO 8601), month or year of a date as it is written, or None."""
    return None if len(cell) > MAX_DATE_LENGTH else _truncated(cell, truncation)


@lru_cache(maxsize=1 << 12)
def _read_date(cell: bytes) -> str | None:
    match = _valid_date(cell)
    if match is None or match[9]:
        return None
    seconds, fraction = match[7] or "00", (match[8] or "").rstrip("0")
    time = f"{match[5] or '00'}:{match[6] or '00'}:{seconds}"
    return f"{match[1]}-{match[2]}-{match[3]}T{time}.{fraction}"


@lru_cache(maxsize=1 << 12)
def _truncated(cell: bytes, truncation: Truncation) -> bytes | None:
    match = _valid_date(cell)
    if match is None:
        return None
    year, month, day = match[1], match[2], match[3]
    if truncation == "week":
        iso = date(int(year), int(month), int(day)).isocalendar()
        text = f"{iso.year:04}-W{iso.week:02}"
    else:
        text = {"day": f"{year}-{month}-{day}", "month": f"{year}-{month}", "year": year}[
            truncation
        ]
    return text.encode()


def _valid_date(cell: bytes) -> re.Match[str] | None:
    if not cell.isascii():
        return None
    match = _date(cell.decode())
    if match is None:
        return None
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return match


NOTATIONS = tuple(
    Notation(decimal, thousands)
    for decimal in (".", ",")
    for thousands in ("", ",", ".", " ", "'", "_")
    if decimal != thousands
)
"""All notations that a spec can set."""
looks_numeric = re.compile("[-+]?[0-9.,'_ \u00a0\u202f\u2019]+".encode()).fullmatch
"""Matches a cell of only digits, a sign and possible separators."""

CANONICAL = Notation()
"""The notation of a file whose spec sets none."""
