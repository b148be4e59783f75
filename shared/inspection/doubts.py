"""Messages about a delimiter that is not certain: what was seen, and what to send."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from shared.csv.grammar import NAMES
from shared.csv.problems import show

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from shared.csv.dialect import Input
    from shared.inspection.readings import Fit

_MOST = 0.5
_NEARLY_ALL = 0.9
_SHOWN_CELLS = 4
_REMEDY = "set input.delimiter"
_ONE_COLUMN = "one that does not occur in the file makes each line one column"


def two_readings(readings: Sequence[tuple[str, Fit]]) -> str:
    """Return that each of these delimiters is possible, with its reading of the first records."""
    shown = [
        f"with {named(delimiter)} the first record is {_cells(found.first)}"
        + (f" and one below it {_cells(found.second)}" if found.second else "")
        for delimiter, found in readings
    ]
    ways = " or ".join(named(delimiter) for delimiter, _ in readings)
    return f"the delimiter may be {ways}: {'; '.join(shown)}: {_REMEDY}"


def ruled_out(declared: Input, found: Fit) -> str:
    """Return that only a comma divides the lines, though numbers contain commas."""
    key = "decimal" if declared.decimal == "," else "thousands"
    return (
        f"the delimiter may be a comma, though input.{key} is ',' and the numbers are not in "
        f"quotes: the first record is {_cells(found.first)}: {_REMEDY}; {_ONE_COLUMN}"
    )


def lines_without_delimiter(lines: Sequence[bytes], delimiters: Iterable[str]) -> str | None:
    """Return that no delimiter divides all lines, though most contain one; None if few do.

    `lines` are the first lines, without quoted text.
    """
    first, below = lines[:1], lines[1:]
    having = {each: _having(each, below) for each in delimiters}
    most = {each: number for each, number in having.items() if number > _MOST * len(below)}
    if not most:
        return None
    for delimiter in most:
        end = delimiter.encode()
        if not first[0].endswith(end) and all(line.endswith(end) for line in below):
            return (
                f"all lines end in {named(delimiter)} but line 1, which is {show(first[0])}: add "
                f"it to line 1, remove it from the others, or {_REMEDY}"
            )
    seen = ", ".join(f"{number:,} have {named(each)}" for each, number in most.items())
    return (
        f"no delimiter fits all lines: line 1 is {show(first[0])}, and of the {len(below):,} lines "
        f"below it {seen}: set input.header_line or input.skip_lines if there are lines above the "
        f"header, or {_REMEDY}; "
        f"{_ONE_COLUMN}"
    )


def is_named_text(
    lines: Sequence[bytes], delimiters: Iterable[str], names: Collection[bytes]
) -> bool:
    """Whether the first line is the name that is asked for, above text.

    Delimiters occur in text too: in some lines, or before a blank; but seldom at its end.
    """
    if set(names) != set(lines[:1]) or len(lines) < 2:
        return False
    return not any(_divides(each.encode(), lines[1:]) for each in delimiters)


def all_numbers(lines: Sequence[bytes]) -> bool:
    """Whether each line is a number in which a comma is a decimal or a thousands separator."""
    return bool(lines) and all(_DECIMAL.fullmatch(line) for line in lines)


def prices(lines: Sequence[bytes]) -> str | None:
    """Return that each line is perhaps one number with two decimals; None if one is not."""
    if not lines or not all(_PRICE.fullmatch(line) for line in lines):
        return None
    return (
        f"the delimiter may be a comma, or each line one number such as {show(lines[0])}: "
        f"{_REMEDY}, or input.decimal to ','"
    )


def quoted_lines(found: Fit, delimiters: Iterable[str]) -> str | None:
    """Return that the only cell of each record contains a table; None if it is not so."""
    cells = [[cell for cell in record if cell] for record in (found.first, found.second)]
    if any(len(filled) != 1 for filled in cells):
        return None
    for delimiter in delimiters:
        columns = {filled[0].count(delimiter.encode()) for filled in cells}
        if len(columns) == 1 and columns != {0}:
            return (
                f"each line is one field in quotes that contains {named(delimiter)}, such as "
                f"{show(cells[0][0])}: remove the quotes around the lines, or {_REMEDY}"
            )
    return None


def named(delimiter: str) -> str:
    """Return a delimiter for a message."""
    return NAMES.get(delimiter.encode(), repr(delimiter))


def _having(delimiter: str, lines: Sequence[bytes]) -> int:
    return sum(delimiter.encode() in line for line in lines)


def _divides(delimiter: bytes, lines: Sequence[bytes]) -> bool:
    """Whether nearly all lines contain a delimiter as often, and not as text does.

    Or most of them end in it.
    """
    if sum(line.endswith(delimiter) for line in lines) > _MOST * len(lines):
        return True
    [(count, times)] = Counter(line.count(delimiter) for line in lines).most_common(1)
    if not count or times < _NEARLY_ALL * len(lines):
        return False
    in_text = delimiter + b" "
    return sum(line.count(delimiter) > line.count(in_text) for line in lines) > _MOST * len(lines)


_PRICE = re.compile(rb"[+-]?[0-9]+,[0-9][0-9]")
_DECIMAL = re.compile(
    rb"[+-]?(?:[0-9]+|[0-9]{1,3}(?:[.][0-9]{3})+)(?:,[0-9]+)?|"
    rb"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:[.][0-9]+)?"
)
"""A number in which a comma is a decimal or a thousands separator."""


def _cells(cells: Sequence[bytes]) -> str:
    shown = ", ".join(show(cell, 40) for cell in cells[:_SHOWN_CELLS])
    return f"{shown}, ..." if len(cells) > _SHOWN_CELLS else shown
