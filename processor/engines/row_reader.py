"""Read the cells of a record: the text of group columns, and the values of aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import EXPECTED_CALENDAR_DATE, truncated
from shared.aggregation.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.aggregation.resolve import Query
    from shared.aggregation.spec import Aggregate, GroupColumn

    Transform = Callable[[bytes], bytes | None]

BLANKS = " \t\r\n\v\f\u00a0"
"""The characters that are trimmed: ASCII blanks, and the no-break space that spreadsheets write."""


class BadCell(Exception):
    """A cell does not have the kind that the query expects. `column` is counted from 0."""

    def __init__(self, column: int, expected: str) -> None:
        super().__init__(column, expected)
        self.column = column
        self.expected = expected


class RowReader:
    """Reads the records of a file for a query. Raises BadCell."""

    def __init__(self, query: Query) -> None:
        aggregation = query.aggregation
        self._notation = aggregation.notation
        self._read = self._notation.readers
        self._groups = [
            (column, _transform(group))
            for column, group in zip(query.group_by, aggregation.group_by, strict=True)
        ]
        self._plain = all(transform is None for _, transform in self._groups)
        self._values = [
            (column, aggregate, FUNCTIONS[aggregate.function].needs_position)
            for column, aggregate in zip(query.columns, aggregation.aggregates, strict=True)
        ]
        self._measured = [column for column in query.columns if column is not None]

    def group(self, fields: list[bytes]) -> list[bytes]:
        """Return the text of each group column."""
        if self._plain:
            return [fields[column] for column, _ in self._groups]
        texts: list[bytes] = []
        for column, transform in self._groups:
            cell = fields[column]
            text = transform(cell) if transform and cell else cell
            if text is None:
                raise BadCell(column, EXPECTED_CALENDAR_DATE)
            texts.append(text)
        return texts

    def values(self, row: int, fields: list[bytes]) -> list[Any]:
        """Return the value of each aggregate in row number `row`; None for an empty cell."""
        return [
            True
            if column is None
            else self._value(aggregate, column, fields[column], row if with_position else None)
            for column, aggregate, with_position in self._values
        ]

    def bytes_of_long_cells(self, fields: list[bytes], length: int) -> int:
        """Return the total size of the aggregated cells that are longer than `length` bytes."""
        return sum(len(fields[column]) for column in self._measured if len(fields[column]) > length)

    def _value(self, aggregate: Aggregate, column: int, cell: bytes, row: int | None) -> Any:
        kind = aggregate.kind or "text"
        if not cell and not aggregate.strict:
            return None
        value = self._read[kind](cell) if cell else None
        if value is None:
            expected = (
                self._notation.expected_with_hint(kind, cell)
                if cell or kind != "text"
                else "text (empty cells are errors here)"
            )
            raise BadCell(column, expected)
        if row is not None:
            return row, cell
        return (value, cell) if kind == "date" else value


def _transform(group: GroupColumn) -> Transform | None:
    """Return the function that changes the text of a group column; None to keep the text."""
    steps: list[Transform] = []
    if group.trim:
        steps.append(lambda cell: cell.decode().strip(BLANKS).encode())
    truncation, case = group.truncate, group.case
    if truncation is not None:
        # A blank cell is empty after trimming, and an empty cell is a group, not a bad date.
        steps.append(lambda cell: truncated(cell, truncation) if cell else cell)
    if case is not None:
        steps.append(lambda cell: getattr(cell.decode(), case)().encode())
    if not steps:
        return None

    def transform(cell: bytes) -> bytes | None:
        text: bytes | None = cell
        for step in steps:
            text = step(text) if text is not None else None
        return text

    return transform
