"""Summarize the columns of a sample: type, empty cells, examples, and warnings about numbers."""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import Notation, looks_numeric
from shared.aggregation.decorations import undecorated
from shared.aggregation.missing import MISSING_AMONG_VALUES
from shared.aggregation.spec import notation_of
from shared.csv.problems import show
from shared.inspection.proposal import ColumnReadings, propose
from shared.inspection.sample import SampleEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.aggregation.kinds import Kind
    from shared.csv.dialect import Dialect
    from shared.csv.records import Record, RecordReader

MAX_COLUMNS = 1000
"""Columns that are summarized; a file may have more."""
_SAMPLES = 3
_SAMPLE_LENGTH = 100
"""The maximum length of a cell or a name, in characters."""
_KINDS: tuple[Kind, ...] = ("integer", "number", "date")
"""The types of a column besides text, the most specific first."""
_MAX_NOTES = 20
_SAMPLE_ROWS = 20
_SAMPLE_CELLS = 4000
"""Cells of the first records together, after which no more records are shown."""
_MAX_EXAMINED = 25_000
"""Different cells of the columns together, after which no more records are read."""
_MAX_ROWS = 50_000
"""Records, after which no more are read."""
_is_grouped = re.compile(rb"[+-]?[1-9][0-9]{0,2}(?:[.][0-9]{3}|[,][0-9]{3})").fullmatch
"""A number that has either decimals or a thousands separator."""
_is_small = re.compile(rb"[+-]?[1-9][0-9]{0,2}").fullmatch
"""A number that needs no thousands separator."""


@dataclass(slots=True)
class ColumnSummary:
    """The summary of one column."""

    position: int
    """From 1."""
    name: str
    type: str = "empty"
    """The first of `integer`, `number` and `date` that all cells that are not empty have; else
    `text`. `empty` if all cells are empty."""
    empty: int = 0
    """The number of empty cells."""
    samples: list[str] = field(default_factory=list)
    """The first distinct cells."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One of the first records of a file."""

    line: int
    """On which it begins, from 1."""
    cells: tuple[str, ...]
    """Of the columns that are summarized; long ones are shortened."""


def columns_of(header: Sequence[bytes]) -> list[ColumnSummary]:
    """Return empty summaries for the first columns of a header."""
    return [ColumnSummary(i, shown(name)) for i, name in enumerate(header[:MAX_COLUMNS], 1)]


def summarize(
    columns: list[ColumnSummary],
    reader: RecordReader,
    records: Iterator[Record],
    width: int,
    dialect: Dialect,
    first: list[SampleRow],
) -> tuple[int, list[str], dict[str, Any] | None]:
    """Add all records to the summaries, and the first ones to `first`.

    Return their number, warnings about numbers and dates, and what to declare (see `propose`).
    """
    notation = notation_of(dialect)
    nulls = {text.encode() for text in dialect.null}
    readers = notation.readers
    possible: list[deque[Kind] | None] = [None] * len(columns)
    numbers = [_NumberCheck(notation) for _ in columns]
    readings = [ColumnReadings(notation) for _ in columns]
    rows = examined = 0
    seen: list[set[bytes]] = [set() for _ in columns]
    with suppress(SampleEnded):
        for line, found in records:
            fields = reader.fitted(found, width)
            if fields is None:
                continue
            if examined >= _MAX_EXAMINED or rows == _MAX_ROWS:
                break
            rows += 1
            if rows <= _SAMPLE_ROWS and (rows - 1) * len(columns) < _SAMPLE_CELLS:
                first.append(SampleRow(line, tuple(map(shown, fields[: len(columns)]))))
            for i, (column, cell) in enumerate(zip(columns, fields, strict=False)):
                if not cell or cell in nulls:
                    column.empty += 1
                    continue
                if cell in seen[i]:
                    continue
                seen[i].add(cell)
                examined += 1
                kinds = possible[i]
                if kinds is None:
                    kinds = deque(kind for kind in _KINDS if readers[kind](cell) is not None)
                    possible[i] = kinds
                # Every integer is a number, and neither is a date.
                while kinds and readers[kinds[0]](cell) is None:
                    kinds.popleft()
                if len(column.samples) < _SAMPLES and (text := shown(cell)) not in column.samples:
                    column.samples.append(text)
                numbers[i].add(cell)
                readings[i].add(cell)
    for column, kinds in zip(columns, possible, strict=True):
        if kinds is not None:
            column.type = kinds[0] if kinds else "text"
    proposal, doubts = propose(
        [
            (column.position, column.name, column.type, reading)
            for column, reading in zip(columns, readings, strict=True)
        ],
        dialect,
    )
    notes = (
        f"column {column.position} ({show(column.name.encode())}): {note}"
        for column, check in zip(columns, numbers, strict=True)
        if (note := check.note(column.type, dialect.delimiter))
    )
    shown_notes = list(islice(chain(notes, doubts), _MAX_NOTES))
    return rows, shown_notes, proposal


class _NumberCheck:
    """Finds out whether the numbers of a column may be in another notation."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._number = notation.readers["number"]
        self._unread: bytes | None = None
        self._hint: str | None = None
        self._grouped: bytes | None = None
        self._ambiguous = True
        self._figures = True

    def add(self, cell: bytes) -> None:
        """Check a cell that is not empty."""
        if not self._figures:
            return
        if self._number(cell) is None:
            bare = undecorated(cell)
            if bare is None or not looks_numeric(bare.number):
                self._figures = cell.lower() in MISSING_AMONG_VALUES
            # `1,234` has two readings; another cell may have only one.
            elif self._hint is None or " or " in self._hint:
                self._unread, self._hint = cell, self._notation.hint("number", cell)
            return
        if self._ambiguous:
            if _is_grouped(cell):
                self._grouped = self._grouped or cell
            elif not _is_small(cell):
                self._ambiguous = False

    def note(self, kind: str, delimiter: str) -> str | None:
        """Return a warning for a column of this type, or None."""
        if not self._figures:
            return None
        if kind == "text" and self._unread is not None and self._hint is not None:
            return f"{show(self._unread)} is read as text; if it is a number, set {self._hint}"
        cell = self._grouped
        if kind != "number" or cell is None or not self._ambiguous:
            return None
        # If commas separate fields, a point in a number separates its decimals.
        if self._notation.thousands or (self._notation.decimal == "." and delimiter == ","):
            return None
        other = Notation("," if self._notation.decimal == "." else ".", self._notation.decimal)
        meant, read = (n.readers["number"](cell) for n in (other, self._notation))
        return (
            f"{show(cell)} is read as {read}; if it is {meant}, set "
            f"input.decimal to {other.decimal!r} and input.thousands to {other.thousands!r}"
        )


def shown(text: bytes) -> str:
    """Return a cell or a name as text, cut to `_SAMPLE_LENGTH` characters."""
    found = text[: 4 * _SAMPLE_LENGTH].decode(errors="replace")
    return found if len(found) <= _SAMPLE_LENGTH else f"{found[:_SAMPLE_LENGTH]}..."
