"""Selects the first rows of a result in the order of a column, in bounded memory."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.results.result_rows import Row

    Held = tuple[Any, Row]
    """The key of a row, and the row."""


def top_rows(
    rows: Iterable[Row], column: int, *, numeric: bool, descending: bool, count: int, limit: int
) -> list[Row]:
    """Return the first `count` of `rows` in the order of the column at position `column`.

    Numbers are compared by value, exactly; other cells as text, by code points (as the bytes of
    UTF-8). Rows that are equal there keep their order, and those without a value come last, in
    either direction. There are fewer rows if their cells have more than `limit` characters. Holds
    no more than twice as many rows and characters.
    """
    selection = _Selection(count, limit, descending=descending)
    empty = _Empty(count, limit)
    of_values = _with_numbers if numeric else _with_texts
    for key, row in of_values(empty.without(rows, column), column, selection):
        selection.add(key, row)
    found = selection.ended()
    if not selection.left_out:
        found += empty.rows
    return list(_fitting(islice(found, count), limit))


def _with_texts(
    rows: Iterable[Row], column: int, selection: _Selection
) -> Iterator[tuple[str | None, Row]]:
    del selection
    return ((row[column], row) for row in rows)


def _with_numbers(
    rows: Iterable[Row], column: int, selection: _Selection
) -> Iterator[tuple[Decimal, Row]]:
    """Yield the rows with their numbers, except for those that are clearly beyond the last one.

    To round to a float keeps the order of numbers, or makes them equal. So what is less as a float
    is less, and most rows need no exact comparison, which takes several times as long.
    """
    for row in rows:
        cell: Any = row[column]
        last = selection.last_as_float
        if last is not None:
            rounded = float(cell)
            if rounded < last if selection.descending else rounded > last:
                continue
        yield Decimal(cell), row


class _Empty:
    """The first rows without a value."""

    def __init__(self, count: int, limit: int) -> None:
        self.rows: list[Row] = []
        self._count = count
        self._room = limit

    def without(self, rows: Iterable[Row], column: int) -> Iterator[Row]:
        """Yield the other rows."""
        for row in rows:
            if row[column] is not None:
                yield row
            elif len(self.rows) < self._count and self._room >= 0:
                self.rows.append(row)
                self._room -= _size(row)


class _Selection:
    """The first rows so far, and what a row must precede to be one of them."""

    def __init__(self, count: int, limit: int, *, descending: bool) -> None:
        self.descending = descending
        self.last_as_float: float | None = None
        """A row beyond this number is not one of the first; None if every row may be."""
        self.left_out = False
        """Whether a row was left out."""
        self._last: Any = None
        self._count = count
        self._limit = limit
        self._held: list[Held] = []
        self._size = 0

    def add(self, key: Any, row: Row) -> None:
        """Add a row that comes after all rows with the same key."""
        if self.left_out and not (key > self._last if self.descending else key < self._last):
            return
        self._held.append((key, row))
        self._size += _size(row)
        if len(self._held) >= 2 * self._count or self._size > 2 * self._limit:
            self._sort()

    def ended(self) -> list[Row]:
        """Return the first rows in order."""
        self._sort()
        return [row for _, row in self._held]

    def _sort(self) -> None:
        # The sort is stable, also in reverse.
        self._held.sort(key=itemgetter(0), reverse=self.descending)
        kept = len(list(_fitting((row for _, row in self._held[: self._count]), self._limit)))
        if kept < len(self._held):
            # Rows with the key of the first one that is left out would come after it.
            self.left_out = True
            self._last = self._held[kept][0]
            if isinstance(self._last, Decimal):
                self.last_as_float = float(self._last)
            del self._held[kept:]
        self._size = sum(_size(row) for _, row in self._held)


def _fitting(rows: Iterable[Row], limit: int) -> Iterator[Row]:
    """Yield rows until their cells have more than `limit` characters."""
    for row in rows:
        limit -= _size(row)
        if limit < 0:
            return
        yield row


def _size(row: Row) -> int:
    return sum(len(cell) + 1 for cell in row if cell is not None)
