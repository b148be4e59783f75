"""What the columns of a file hold, as far as it was looked at."""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.aggregation.cells import Notation, is_figures
from shared.csv.problems import show
from shared.inspection.sample import CutOff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.aggregation.kinds import Kind
    from shared.csv.dialect import Dialect
    from shared.csv.records import Record, RecordReader

MAX_COLUMNS = 1000
"""Columns that are told of; there may be more."""
_SAMPLES = 3
_SAMPLE_LENGTH = 100
"""Characters of a cell or a name that are shown."""
_KINDS: tuple[Kind, ...] = ("integer", "number", "date")
"""What a column can be besides text, what says most first."""
_NOTES = 20
"""Columns that there is a note for."""
_is_grouped = re.compile(rb"[+-]?[1-9][0-9]{0,2}(?:[.][0-9]{3}|[,][0-9]{3})").fullmatch
"""A number with decimals, or one with a thousands separator."""
_is_small = re.compile(rb"[+-]?[1-9][0-9]{0,2}").fullmatch
"""One that needs no separator."""


@dataclass(slots=True)
class ColumnSummary:
    """One column, as far as it has been seen."""

    position: int
    """From 1."""
    name: str
    type: str = "empty"
    """The first of `integer`, `number` and `date` that all cells are which are not empty; else
    `text`; `empty` if all are."""
    empty: int = 0
    """How many cells are."""
    samples: list[str] = field(default_factory=list)
    """The first different texts."""


def columns_of(header: Sequence[bytes]) -> list[ColumnSummary]:
    """The first columns of a header, of which nothing has been seen."""
    return [ColumnSummary(i, shown(name)) for i, name in enumerate(header[:MAX_COLUMNS], 1)]


def summarise(
    columns: list[ColumnSummary],
    reader: RecordReader,
    records: Iterator[Record],
    width: int,
    dialect: Dialect,
) -> tuple[int, list[str]]:
    """Look at all records; how many there were, and what to know of how numbers are written."""
    notation = Notation(dialect.decimal, dialect.thousands)
    readers = notation.readers
    possible: list[deque[Kind] | None] = [None] * len(columns)
    written = [_Written(notation) for _ in columns]
    rows = 0
    with suppress(CutOff):
        for _line, fields in records:
            if len(fields) != width:
                reader.reject_ragged(fields, width)
                continue
            rows += 1
            for i, (column, cell) in enumerate(zip(columns, fields, strict=False)):
                if not cell:
                    column.empty += 1
                    continue
                kinds = possible[i]
                if kinds is None:
                    kinds = deque(kind for kind in _KINDS if readers[kind](cell) is not None)
                    possible[i] = kinds
                # What is an integer is a number too, and neither is a date.
                while kinds and readers[kinds[0]](cell) is None:
                    kinds.popleft()
                if len(column.samples) < _SAMPLES and (text := shown(cell)) not in column.samples:
                    column.samples.append(text)
                written[i].see(cell)
    for column, kinds in zip(columns, possible, strict=True):
        if kinds is not None:
            column.type = kinds[0] if kinds else "text"
    notes = (
        f"column {column.position} ({show(column.name.encode())}): {note}"
        for column, how in zip(columns, written, strict=True)
        if (note := how.note(column.type, dialect.delimiter))
    )
    return rows, [note for note, _ in zip(notes, range(_NOTES), strict=False)]


class _Written:
    """How the numbers of a column are written, as long as all its cells look like numbers."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._number = notation.readers["number"]
        self._unread: bytes | None = None
        self._remedy: str | None = None
        self._grouped: bytes | None = None
        self._ambiguous = True
        self._figures = True

    def see(self, cell: bytes) -> None:
        """Look at a cell that is not empty."""
        if not self._figures:
            return
        if self._number(cell) is None:
            if not is_figures(cell):
                self._figures = False
            # `1,234` may be mended in two ways, and another cell tell which.
            elif self._remedy is None or " or " in self._remedy:
                self._unread, self._remedy = cell, self._notation.remedy("number", cell)
            return
        if self._ambiguous:
            if _is_grouped(cell):
                self._grouped = self._grouped or cell
            elif not _is_small(cell):
                self._ambiguous = False

    def note(self, kind: str, delimiter: str) -> str | None:
        """What to know of it, in a column of this type."""
        if not self._figures:
            return None
        if kind == "text" and self._unread is not None and self._remedy is not None:
            return f"{show(self._unread)} is read as text; if it is a number, set {self._remedy}"
        cell = self._grouped
        if kind != "number" or cell is None or not self._ambiguous:
            return None
        # In a file with commas between fields, a number with a point has decimals.
        if self._notation.thousands or (self._notation.decimal == "." and delimiter == ","):
            return None
        other = Notation("," if self._notation.decimal == "." else ".", self._notation.decimal)
        meant, read = (n.readers["number"](cell) for n in (other, self._notation))
        return (
            f"{show(cell)} is read as {read}; if it is {meant}, set "
            f"input.decimal to {other.decimal!r} and input.thousands to {other.thousands!r}"
        )


def shown(text: bytes) -> str:
    """The beginning of a cell or a name, as JSON has it."""
    found = text[: 4 * _SAMPLE_LENGTH].decode(errors="replace")
    return found if len(found) <= _SAMPLE_LENGTH else f"{found[:_SAMPLE_LENGTH]}..."
