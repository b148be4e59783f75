"""What a cell says as a number or a date. Strict: what is not plainly one is none.

Numbers are decimals of any size, never floats.
"""

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
"""The largest exponent of ten that a number may be written with, either way: what is written in
six bytes must not take a gigabyte. Every double (IEEE 754 binary64) can be written within it."""

MAX_DATE_LENGTH = len("2020-01-31T23:59:59.123456789+02:00")
"""Bytes of a date at the most: cells may be a million times as long, and are not to be kept."""

EXPECTED: dict[Kind, str] = {
    "integer": "an integer, such as 42 or -7",
    "number": f"a number, such as 42, -0.5 or 1e3 (exponents from -{MAX_EXPONENT} "
    f"to {MAX_EXPONENT})",
    "date": "a date without a time zone, such as 2020-01-31 or 2020-01-31T23:59:59",
    "text": "text",
}
EXPECTED_CALENDAR_DATE = "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z"

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""Arithmetic that is exact, or raises."""

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch
_number = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,9}))?").fullmatch
_date = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ](([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?)"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?"
).fullmatch


_ALIKE = {" ": " \u00a0\u202f", "'": "'\u2019"}
"""What else stands for a thousands separator: the no-break spaces, and the typographic apostrophe,
that spreadsheets write."""


def read_integer(cell: bytes) -> Decimal | None:
    """The integer that `cell` is, of any size; None if it is none."""
    if cell.isdigit() or _is_integer(cell):
        return Decimal(cell.decode())
    return None


def read_number(cell: bytes) -> Decimal | None:
    """The number that `cell` is, with as many decimals as it has; None if it is none."""
    if cell.isdigit():
        return Decimal(cell.decode())
    match = _number(cell)
    if match is None or (match[1] and abs(int(match[1])) > MAX_EXPONENT):
        return None
    return Decimal(cell.decode())


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a file are written. The default is that of values in an aggregation."""

    decimal: str = "."
    thousands: str = ""
    """What may separate groups of three digits before the decimals; nothing if it is empty."""

    @property
    def readers(self) -> Mapping[Kind, Read]:
        """What reads a cell as each kind; it gives None for a cell that is none."""
        return _readers(self)

    def expected(self, kind: Kind) -> str:
        """What a cell of a kind is, as it stands in a message."""
        if self == CANONICAL or kind not in NUMERIC:
            return EXPECTED[kind]
        grouped = f"1{self.thousands}234" if self.thousands else "1234"
        if kind == "integer":
            return f"an integer, such as 42 or -{grouped}"
        return f"a number, such as 42, -0{self.decimal}5 or {grouped}{self.decimal}5"

    def expected_with_hint(self, kind: Kind, cell: bytes) -> str:
        """As `expected`, of a cell that is none; if another notation reads it, with that."""
        expected, hint = self.expected(kind), self.hint(kind, cell)
        return expected if hint is None else f"{expected}; if it is one, set {hint}"

    def hint(self, kind: Kind, cell: bytes) -> str | None:
        """What to set so that a cell is an integer or a number; None if that does not help."""
        if kind not in NUMERIC or not looks_numeric(cell):
            return None
        changes = [
            [
                f"input.{name} to {value!r}"
                for name, value, said in (
                    ("decimal", other.decimal, self.decimal),
                    ("thousands", other.thousands, self.thousands),
                )
                if value != said
            ]
            for other in NOTATIONS
            if other != self
            and other.readers[kind](cell) is not None
            # Separators that the cell does not have are no part of the hint.
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
    """A function that gives a number as `read_number` reads it; None for what is none.

    Digits are in groups of three all or none. A group does not begin with zero: `0.001` is not
    meant as 1, whatever the notation.
    """
    decimal = notation.decimal.encode()
    separators = [s.encode() for s in _ALIKE.get(notation.thousands, notation.thousands)]
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
    """A text that sorts as the time that `cell` is; None if it is none, or has a time zone."""
    return None if len(cell) > MAX_DATE_LENGTH else _read_date(cell)


def truncated(cell: bytes, truncation: Truncation) -> bytes | None:
    """Day, ISO week (ISO 8601), month or year of the date as it is written; None if it is none."""
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
"""All that a file can have."""
looks_numeric = re.compile("[-+]?[0-9.,'_ \u00a0\u202f\u2019]+".encode()).fullmatch
"""Whether a cell has nothing but digits, a sign, and what may stand between digits."""

CANONICAL = Notation()
"""How numbers are written unless a file says otherwise."""
