"""Summarize the columns of a sample: type, empty cells, examples, and notes about numbers."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from shared.aggregation.spec import notation_of
from shared.csv.problems import show
from shared.inspection.number_check import NumberCheck
from shared.inspection.proposal import ColumnReadings, propose
from shared.inspection.sample import SampleEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.aggregation.kinds import Kind
    from shared.csv.dialect import Dialect
    from shared.csv.records import Record, RecordReader
    from shared.inspection.file_doubts import FileDoubts

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


@dataclass(frozen=True, slots=True)
class Summary:
    """What the records of a sample show, besides the columns' own summaries."""

    rows: int = 0
    """Records read."""
    whole: bool = True
    """Whether these are all records: not if there are too many, or too many different cells."""
    notes: tuple[str, ...] = ()
    """About numbers and dates."""
    proposal: dict[str, Any] | None = None
    """What to declare (see `propose`)."""


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
    doubts: FileDoubts,
) -> Summary:
    """Add the records to the columns and to `doubts`, and the first ones to `first`."""
    notation = notation_of(dialect)
    nulls = {text.encode() for text in dialect.null}
    readers = notation.readers
    possible: list[deque[Kind] | None] = [None] * len(columns)
    numbers = [NumberCheck(notation) for _ in columns]
    readings = [ColumnReadings(notation) for _ in columns]
    rows = examined = 0
    whole = True
    seen: list[dict[bytes, int]] = [{} for _ in columns]
    see_record = doubts.records.see
    see_row = None if doubts.rows is None else doubts.rows.see
    with suppress(SampleEnded):
        for line, found in records:
            fields = reader.fitted(found, width)
            if fields is None:
                continue
            if examined >= _MAX_EXAMINED or rows == _MAX_ROWS:
                whole = False
                break
            rows += 1
            see_record(line, found, fields)
            if see_row is not None:
                see_row(line, fields)
            if rows <= _SAMPLE_ROWS and (rows - 1) * len(columns) < _SAMPLE_CELLS:
                first.append(SampleRow(line, tuple(map(shown, fields[: len(columns)]))))
            for i, (column, cell) in enumerate(zip(columns, fields, strict=False)):
                if not cell or cell in nulls:
                    column.empty += 1
                    continue
                if cell in seen[i]:
                    seen[i][cell] += 1
                    continue
                seen[i][cell] = 1
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
                numbers[i].add(line, cell)
                readings[i].add(cell)
        else:
            doubts.end()
    for column, kinds in zip(columns, possible, strict=True):
        if kinds is not None:
            column.type = kinds[0] if kinds else "text"
    proposal, unclear = propose(
        [
            (column.position, column.name, column.type, reading)
            for column, reading in zip(columns, readings, strict=True)
        ],
        dialect,
    )
    for column, check, counts in zip(columns, numbers, seen, strict=True):
        if column.type == "number":
            doubts.see_numbers(check.findings(column.position, counts))
    notes = (
        f"column {column.position} ({show(column.name.encode())}): {note}"
        for column, check in zip(columns, numbers, strict=True)
        if (note := check.note(column.type))
    )
    return Summary(rows, whole, tuple(islice(chain(notes, unclear), _MAX_NOTES)), proposal)


def shown(text: bytes) -> str:
    """Return a cell or a name as text, cut to `_SAMPLE_LENGTH` characters."""
    found = text[: 4 * _SAMPLE_LENGTH].decode(errors="replace")
    return found if len(found) <= _SAMPLE_LENGTH else f"{found[:_SAMPLE_LENGTH]}..."
