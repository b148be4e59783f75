"""The values of cells, for expected results: numbers, dates and how they are written."""

from __future__ import annotations

import datetime
import itertools
import re
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.csv.dialect import Input

    Row = list[str]


class Malformed(Exception):
    """The file has no result."""

    column = 0
    """The position of the bad cell, from 0, where the caller needs it."""
    expected = ""


def moment_of(cell: str) -> datetime.datetime:
    """Parse a date or time without time zone, with up to six decimals of a second."""
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"):
        try:
            moment = datetime.datetime.strptime(cell.replace("T", " "), form)  # noqa: DTZ007
        except ValueError:
            continue
        # `strptime` accepts numbers of one digit.
        time = r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?"
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}" + time, cell):
            return moment
    raise Malformed(cell)


def check_integer(cell: str) -> None:
    if not re.fullmatch(r"[+-]?[0-9]+", cell):
        raise Malformed(cell)


@lru_cache(1 << 14)
def number_of(cell: str) -> tuple[Fraction | int, int]:
    """Return a number, exactly, and the count of its written decimals."""
    match = re.fullmatch(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?", cell)
    if not match or not (match[2] or match[3]) or abs(int(match[4] or 0)) > 400:
        raise Malformed(cell)
    if not match[3] and not match[4]:
        return int(match[1] + match[2]), 0  # as exact as a Fraction, and ten times as fast
    fraction = match[3] or ""
    exponent = int(match[4] or 0) - len(fraction)
    value = int(match[2] + fraction) * Fraction(10) ** exponent
    return (-value if match[1] == "-" else value), max(0, -exponent)


def canonical(cell: str, declared: Input) -> str:
    """Convert a number from the file's notation to the default one. Raises Malformed."""
    if cell.isascii() and cell.isdigit():
        return cell  # the same in every notation
    sign = cell[:1] if cell[:1] in ("+", "-") else ""
    unsigned = cell.removeprefix(sign)
    mantissa = re.split("[eE]", unsigned, maxsplit=1)[0]
    exponent = unsigned.removeprefix(mantissa)
    whole, point, fraction = mantissa.partition(declared.decimal)
    for separator in {" ": " \u00a0\u202f", "'": "'\u2019"}.get(
        declared.thousands, declared.thousands
    ):
        first, *others = whole.split(separator)
        if others:
            if not re.fullmatch("[1-9][0-9]{0,2}", first) or {len(o) for o in others} != {3}:
                raise Malformed(cell)
            whole = first + "".join(others)
            break
    if not (whole + fraction).isdecimal() or not (whole + fraction).isascii():
        raise Malformed(cell)
    return sign + whole + point.replace(declared.decimal, ".") + fraction + exponent


def hint_for(cell: str, kind: str, declared: Input) -> str:
    """Return the shortest hint of what to declare so that the cell is a number or a date."""
    hints: dict[int, list[str]] = {1: [], 2: []}
    if kind != "text" and re.fullmatch(MISSING_WORD, cell, re.ASCII | re.IGNORECASE):
        return f"; if it means a missing value, add {cell!r} to input.null"
    if kind == "date" and re.fullmatch(r".{10}[T ].*(Z|[+-]\d\d:?\d\d)", cell):
        with suppress(Malformed):
            moment_of(re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", cell))
            return "; if all dates have a time zone, set input.date to 'iso_zoned'"
    if kind == "date":
        return date_hint(cell) if declared.date == "iso" else ""
    if kind not in ("number", "integer"):
        return ""
    cell, decorations = undecorated(cell)
    if re.search("[eE]", cell):
        return ""
    if decorations:
        with suppress(Malformed):
            READERS[kind](canonical(cell, declared))
            return f"; if it is one, set {' and '.join(decorations)}"
    notations: Any = itertools.product(".,", ["", ",", ".", " ", "'", "_"])
    for decimal, thousands in notations:
        if decimal == thousands:
            continue
        words = []
        if decimal != declared.decimal:
            words.append(f"input.decimal to '{decimal}'")
        if thousands != declared.thousands:
            quote = '"' if thousands == "'" else "'"
            words.append(f"input.thousands to {quote}{thousands}{quote}")
        other = replace(declared, decimal=decimal, thousands=thousands)
        accepted = {" ": " \u00a0\u202f", "'": "'\u2019"}.get(thousands, thousands)
        unused = thousands not in ("", declared.thousands) and not set(accepted) & set(cell)
        with suppress(Malformed):
            READERS[kind](canonical(cell, other))
            if words and not unused:
                hints[len(words)].append(" and ".join([*words, *decorations]))
    found = " or ".join(hints[1] or hints[2])
    return f"; if it is one, set {found}" if found else ""


@lru_cache(maxsize=1000)
def date_hint(cell: str) -> str:
    """Return the hint of how a date that is not ISO 8601 is declared."""
    days = "%d/%m/%Y %m/%d/%Y %d.%m.%Y %d-%m-%Y %m-%d-%Y %Y/%m/%d %Y.%m.%d %Y-%m-%d %Y%m%d"
    names = ["%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y"]
    found = []
    for day, time in itertools.product([*days.split(), *names], ["", " %H:%M", " %H:%M:%S"]):
        with suppress(ValueError):
            datetime.datetime.strptime(cell, day + time)  # noqa: DTZ007 - only whether it can be read
            digits = r"\d{8}( .*)?" if day == "%Y%m%d" else ".*"
            blanks = (day + time).count(" ") == len(re.findall(r"\s", cell))
            if re.fullmatch(digits, cell) and blanks and not re.search(r":\d(?!\d)|:6", cell):
                found.append(day + time)
    found += ["epoch"] if re.fullmatch("[0-9]{10}", cell) else []
    found += ["epoch_ms"] if re.fullmatch("[0-9]{13}", cell) else []
    return f"; if it is one, set input.date to {' or '.join(map(repr, found))}" if found else ""


def undecorated(cell: str) -> tuple[str, list[str]]:
    """Return the number in a cell without decorations, and the settings that allow these."""
    unit = "(?:[$€%]|EUR)"
    settings: list[str] = []
    if bracketed := re.fullmatch(r"\(([^+-].*)\)", cell):
        settings = ["input.number.parentheses to 'negative'"]
        cell = "-" + bracketed[1]
    if found := re.fullmatch(rf"([+-]?)({unit})?[ \u00a0]?([0-9.,]+)[ \u00a0]?({unit})?", cell):
        units = [each for each in (found[2], found[4]) if each]
        if len(units) == 1 and found[2] != "%":
            name = "percent" if units == ["%"] else "currency"
            settings = [f"input.number.{name} to true", *settings]
            cell = found[1] + found[3]
    return cell, settings


MISSING_WORD = (
    r"n/?a|#n/a|<na>|nan|<?null>?|nil|none|\(null\)|-{1,3}|[\u2013\u2014?]|\.{1,3}|n\.[ad]\.|k\.a\.|nat|"
    r"\\n|#null!|missing|unknown|never|0000-00-00"
)


READERS: dict[str, Callable[[str], Any]] = {
    "number": number_of,
    "integer": check_integer,
    "date": moment_of,
}
_EXPECTED = {
    "number": "a number, such as 42, -0.5 or 1e3 (exponents from -400 to 400)",
    "integer": "an integer, such as 42 or -7",
    "date": "a date without a time zone, such as 2020-01-31 or 2020-01-31T23:59:59",
    "text": "text",
}


def expected_cell(kind: str, declared: Input) -> str:
    """Return the description of a valid cell, with examples in the file's notation."""
    decimal, thousands = declared.decimal, declared.thousands
    if kind not in ("number", "integer") or (decimal, thousands) == (".", ""):
        return _EXPECTED[kind]
    if kind == "integer":
        return f"an integer, such as 42 or -1{thousands}234"
    return f"a number, such as 42, -0{decimal}5 or 1{thousands}234{decimal}5"


def decimal_text(value: Fraction, decimals: int) -> str:
    """Format a number with exactly `decimals` decimals, which must be enough."""
    scaled = value * 10**decimals
    assert scaled.denominator == 1
    digits = str(abs(scaled.numerator)).rjust(decimals + 1, "0")
    sign = "-" if scaled < 0 else ""
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return sign + whole + ("." + part if decimals else "")


def shortest_decimal(value: Fraction, decimals: int) -> str:
    """Format a number like `decimal_text`, with more decimals if it needs them."""
    while (value * 10**decimals).denominator != 1:
        decimals += 1
    return decimal_text(value, decimals)
