"""Propose how the numbers and dates of a file are written, where a sample leaves no doubt.

Each column of text is read with all settings of `input.null`, `input.number` and `input.date`. If
all its cells are then numbers, or dates of one format, the settings are proposed; if there is a
doubt, it becomes a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import Notation
from shared.aggregation.date_format import ISO, ZONED, DateFormat
from shared.aggregation.decorations import undecorated
from shared.aggregation.missing import MISSING_AMONG_VALUES
from shared.csv.problems import show
from shared.inspection.unix_times import UnixTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.aggregation.decorations import Decoration
    from shared.csv.dialect import Dialect

_DAYS = (
    *(f"{first}{s}{then}{s}%{y}" for first, then in (("%d", "%m"), ("%m", "%d")) for s in "/.-"
      for y in "Yy"),
    *(f"%Y{s}%m{s}%d" for s in "/.-"),
    *(f"%y{s}%m{s}%d" for s in "/-"),
    *(f"%d{s}%{b}{s}%{y}" for s in "- ./" for b in "bB" for y in "Yy"),
    *(f"%{b} %d, %Y" for b in "bB"),
)  # fmt: skip
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S",
    " %H:%M:%S %z", " %H:%M:%S%z",
)  # fmt: skip
FORMATS = (
    ZONED,
    *(day + time for day, time in product(_DAYS, _TIMES)),
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y%m%dT%H%M%S",
)
"""The formats that are looked for, besides ISO 8601."""
_is_separator = re.compile(rb"[^A-Za-z0-9]")
_ZONE = "%z"
"""The directive that matches other characters than letters and digits too, at the end."""
_LONGEST = 50
"""The greatest length of a date in bytes."""


@dataclass(slots=True)
class ColumnReadings:
    """With which settings all cells of a column so far are numbers, or dates."""

    notation: Notation
    nulls: dict[str, None] = field(default_factory=dict)
    """The words for a missing value that occur, in the order of their first cells."""
    cells: int = 0
    """Cells that are neither empty nor one of these words."""
    numbers: bool = True
    decorations: dict[Decoration, bytes] = field(default_factory=dict)
    """Those of numbers, each with its first cell."""
    currencies: dict[bytes, None] = field(default_factory=dict)
    without_percent: bool = False
    without_parentheses: bool = False
    current: bool = True
    """Whether all cells are dates in the declared format."""
    formats: list[DateFormat] | None = None
    """Other formats in which all cells are dates; None before the first cell."""
    example: bytes = b""
    """The first date."""
    times: UnixTimes = field(default_factory=UnixTimes)

    def add(self, cell: bytes) -> None:
        """Add a cell that is not empty."""
        if len(cell) <= _LONGEST and cell.lower() in MISSING_AMONG_VALUES:
            self.nulls[cell.decode()] = None
            return
        self.cells += 1
        if self.times.digits >= 0:
            self.times.add(cell)
        if self.numbers:
            self._add_number(cell)
        self.current = self.current and self.notation.dates.key(cell) is not None
        if self.formats is None:
            self.example = cell
            dated = len(cell) <= _LONGEST and any(48 <= byte <= 57 for byte in cell)
            self.formats = list(_formats_like(cell)) if dated else []
        if self.formats:
            self.formats = [each for each in self.formats if each.read(cell) is not None]

    def _add_number(self, cell: bytes) -> None:
        bare = undecorated(cell)
        plain = Notation(self.notation.decimal, self.notation.thousands)
        if bare is None or plain.readers["number"](bare.number) is None:
            self.numbers = False
            return
        for each in bare.found:
            self.decorations.setdefault(each, cell)
        if "currency" in bare.found:
            self.currencies[bare.unit] = None
        self.without_percent |= "percent" not in bare.found
        self.without_parentheses |= "parentheses" not in bare.found

    @property
    def sure(self) -> bool:
        """Whether numbers of this column are written in one way."""
        return (
            len(self.currencies) < 2
            and not ("percent" in self.decorations and self.without_percent)
            and not ("parentheses" in self.decorations and not self.without_parentheses)
        )

    def number_note(self) -> str | None:
        """Return a doubt about decorations of numbers, or None."""
        if len(self.currencies) > 1:
            units = " and ".join(map(show, list(self.currencies)[:2]))
            return f"there are amounts in several currencies, {units}; sums would mix them"
        if "percent" in self.decorations and self.without_percent:
            shown = show(self.decorations["percent"])
            return f"some numbers have a percent sign, such as {shown}, and others have none"
        if "parentheses" in self.decorations and not self.without_parentheses:
            return (
                f"all numbers are in parentheses, such as {show(self.decorations['parentheses'])}"
            )
        return None


def _formats_like(cell: bytes) -> Iterator[DateFormat]:
    """Yield the formats that have the separators of a cell, in the order of `FORMATS`."""
    separators = b"".join(_is_separator.findall(cell))
    for own, zoned, each in _separated_formats():
        if own == separators or (zoned and separators.startswith(own)):
            yield each


@cache
def _separated_formats() -> tuple[tuple[bytes, bool, DateFormat], ...]:
    """Return all formats, each with its separators and whether others may follow them."""
    found = []
    for text in FORMATS:
        separators = re.sub("%?[A-Za-z0-9_]+", "", "" if text == ZONED else text).encode()
        found.append((separators, text == ZONED or _ZONE in text, DateFormat(text)))
    return tuple(found)


def propose(
    columns: Sequence[tuple[int, str, str, ColumnReadings]], dialect: Dialect
) -> tuple[dict[str, Any] | None, list[str]]:
    """Return what to declare as `input`, or None, and notes about doubts.

    `columns`: position, name, type and readings of each column.
    """
    notes: list[str] = []
    nulls: dict[str, None] = {}
    number: dict[str, Any] = {}
    formats: dict[str, None] = {}
    texts: dict[str, int] = {}
    dated = False
    for position, name, kind, found in columns:
        dated = dated or kind == "date"
        heading = f"column {position} ({show(name.encode())}): "
        if kind == "integer" and dialect.date == ISO and (note := found.times.note(name)):
            notes.append(heading + note)
        if kind != "text" or not found.cells:
            continue
        if found.numbers:
            nulls |= found.nulls
            if (doubt := found.number_note()) is not None:
                notes.append(heading + doubt)
            for each in found.decorations if found.sure else ():
                number[each] = "negative" if each == "parentheses" else True
        elif found.current:
            nulls |= found.nulls
            dated = True
        elif found.formats:
            nulls |= found.nulls
            ways = [each.text for each in found.formats]
            if len(ways) == 1:
                formats[ways[0]] = None
            settings = " or ".join(map(repr, ways[:3]))
            notes.append(
                f"{heading}{show(found.example)} is read as text; if it is a date, set input.date "
                f"to {settings}"
            )
        else:
            texts = {**dict.fromkeys(found.nulls, position), **texts}
    if added := [show(text.encode()) for text in nulls if text not in texts]:
        notes.append(f"{', '.join(added)} may stand for a missing value; if so, set input.null")
    notes += [
        f"{show(text.encode())} stands for a missing value in other columns, but is a text in "
        f"column {texts[text]}, where input.null would make it empty too"
        for text in nulls
        if text in texts
    ]
    proposed: dict[str, Any] = {}
    if added := [text for text in nulls if text not in texts]:
        proposed["null"] = [*dialect.null, *added]
    if number:
        style = dialect.number
        declared = {"currency": style.currency, "percent": style.percent}
        kept: dict[str, Any] = {name: True for name, value in declared.items() if value}
        if style.parentheses == "negative":
            kept["parentheses"] = "negative"
        proposed["number"] = {**kept, **number}
    if len(formats) == 1 and not dated and dialect.date == ISO:
        proposed["date"] = next(iter(formats))
    elif formats:
        several = ", ".join([*(["ISO 8601"] if dated else []), *map(repr, formats)])
        notes.append(f"columns have dates in several formats, {several}; input.date can be one")
    return ({"input": proposed} if proposed else None), notes
