"""Read cells as numbers and dates, strictly. Numbers are decimals of any size, never floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.aggregation.date_format import ISO_DATES, DateFormat
from shared.aggregation.dates import EXPECTED_DATE
from shared.aggregation.decorations import Decoration, undecorated
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.missing import MISSING_AMONG_VALUES
from shared.csv.problems import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.aggregation.kinds import Kind

    Read = Callable[[bytes], Any]

MAX_EXPONENT = 400
"""The maximum absolute value of an exponent of ten. It allows every double (IEEE 754 binary64), and
prevents that a cell of a few bytes becomes a number of a gigabyte."""

EXPECTED: dict[Kind, str] = {
    "integer": "an integer, such as 42 or -7",
    "number": f"a number, such as 42, -0.5 or 1e3 (exponents from -{MAX_EXPONENT} "
    f"to {MAX_EXPONENT})",
    "date": EXPECTED_DATE,
    "text": "text",
}

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""A decimal context whose arithmetic is exact, or raises."""

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch
_number = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,9}))?").fullmatch
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
    """How numbers and dates are written in a file. Those in a spec have the default notation."""

    decimal: str = "."
    thousands: str = ""
    """The optional separator between groups of three digits; empty for none."""
    decorations: frozenset[Decoration] = frozenset()
    """What may stand around a number."""
    dates: DateFormat = ISO_DATES

    @property
    def readers(self) -> Mapping[Kind, Read]:
        """The function that reads a cell as each kind, and returns None for another kind."""
        return _readers(self)

    @property
    def of_values(self) -> Notation:
        """The notation of values in a spec, and of cells in a result."""
        return Notation(dates=self.dates.of_values)

    def expected(self, kind: Kind) -> str:
        """Return the description of a kind for a message."""
        if kind == "date":
            return self.dates.expected()
        if not self._separates or kind not in NUMERIC:
            return EXPECTED[kind]
        grouped = f"1{self.thousands}234" if self.thousands else "1234"
        if kind == "integer":
            return f"an integer, such as 42 or -{grouped}"
        return f"a number, such as 42, -0{self.decimal}5 or {grouped}{self.decimal}5"

    def suggestion(self, kind: Kind, cell: bytes) -> str:
        """Return the end of a message: what would make `cell` of that kind; empty if nothing."""
        if kind != "text" and cell.lower() in MISSING_AMONG_VALUES:
            return f"; if it means a missing value, add {show(cell)} to input.null"
        if kind == "date":
            return self.dates.suggestion(cell)
        hint = self.hint(kind, cell)
        return "" if hint is None else f"; if it is one, set {hint}"

    def hint(self, kind: Kind, cell: bytes) -> str | None:
        """Return the settings with which `cell` is of a numeric kind; None if there are none."""
        bare = undecorated(cell) if kind in NUMERIC else None
        if bare is None or not looks_numeric(bare.number):
            return None
        missing = bare.found - self.decorations
        decorations = [setting for name, setting in _SETTINGS.items() if name in missing]
        plain = Notation(self.decimal, self.thousands)
        if missing and plain.readers[kind](bare.number) is not None:
            return " and ".join(decorations)
        ways = self._separators(kind, bare.number)
        return " or ".join(" and ".join([*way, *decorations]) for way in ways) or None

    @property
    def _separates(self) -> bool:
        """Whether the separators are not those of values in a spec."""
        return bool(self.thousands) or self.decimal != "."

    def _separators(self, kind: Kind, cell: bytes) -> list[list[str]]:
        """Return the shortest lists of settings of separators with which `cell` is of a kind."""
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
            if (other.decimal, other.thousands) != (self.decimal, self.thousands)
            and other.readers[kind](cell) is not None
            # Do not suggest a separator that the cell does not have.
            and (
                other.thousands in ("", self.thousands)
                or Notation(other.decimal).readers[kind](cell) is None
            )
        ]
        least = min(map(len, changes), default=0)
        return [change for change in changes if len(change) == least]


_SETTINGS: dict[Decoration, str] = {
    "currency": "input.number.currency to true",
    "percent": "input.number.percent to true",
    "parentheses": "input.number.parentheses to 'negative'",
}
"""The setting that allows each decoration."""


@lru_cache(maxsize=64)
def _readers(notation: Notation) -> Mapping[Kind, Read]:
    number: Read = read_number
    integer: Read = read_integer
    if notation.decimal != "." or notation.thousands:
        plain = _plain_of(notation)
        number, integer = _converted(plain, read_number), _converted(plain, read_integer)
    if notation.decorations:
        allowed = notation.decorations
        number, integer = _bare(allowed, number), _bare(allowed, integer)
    dates: Read = notation.dates.key
    return {"number": number, "integer": integer, "date": dates, "text": lambda cell: cell}


def _converted(plain: Callable[[bytes], bytes | None], read: Read) -> Read:
    def converted(cell: bytes) -> Any:
        text = plain(cell)
        return None if text is None else read(text)

    return converted


def _bare(allowed: frozenset[Decoration], read: Read) -> Read:
    """Return a reader that also accepts decorations around what `read` reads."""

    def bare(cell: bytes) -> Any:
        value = read(cell)
        if value is not None:
            return value
        found = undecorated(cell)
        if found is None or not found.found <= allowed:
            return None
        return read(found.number)

    return bare


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
