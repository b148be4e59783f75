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
    rows: Iterable[Row],
    column: int,
    *,
    numeric: bool,
    nullable: bool,
    descending: bool,
    count: int,
    limit: int,
) -> list[Row]:
    """Return the first `count` of `rows` in the order of the column at position `column`.

    Numbers are compared by value, exactly; other cells as text, by code points (as the bytes of
    UTF-8). Rows that are equal there keep their order. Rows without a value, which are None or, if
    the column is `nullable`, empty, come last in either direction. There are fewer rows if their
    cells have more than `limit` characters. Holds no more than twice as many rows and characters.
    """
    selection = _Selection(count, limit, descending=descending)
    empty = _Empty(count, limit)
    if numeric:
        _select_numbers(rows, column, selection, empty)
    else:
        _select_texts(rows, column, selection, empty, nullable=nullable)
    found = selection.ended()
    if selection.last is None:
        found += empty.rows
    return list(_fitting(islice(found, count), limit))


def _select_texts(
    rows: Iterable[Row], column: int, selection: _Selection, empty: _Empty, *, nullable: bool
) -> None:
    last, descending = selection.last, selection.descending
    for row in rows:
        cell = row[column]
        if cell is None or (nullable and not cell):
            empty.add(row)
        elif last is None or (cell > last if descending else cell < last):
            last = selection.add(cell, row)


def _select_numbers(rows: Iterable[Row], column: int, selection: _Selection, empty: _Empty) -> None:
    """Add the rows with their numbers, except for those that are clearly beyond the last one.

    To round to a float keeps the order of numbers, or makes them equal. So what is less as a float
    is less, and most rows need no exact comparison, which takes several times as long.
    """
    last, descending = None, selection.descending
    for row in rows:
        cell = row[column]
        if not cell:
            empty.add(row)
            continue
        if last is not None:
            rounded = float(cell)
            if rounded < last if descending else rounded > last:
                continue
        found = selection.add(Decimal(cell), row)
        last = None if found is None else float(found)


class _Empty:
    """The first rows without a value."""

    def __init__(self, count: int, limit: int) -> None:
        self.rows: list[Row] = []
        self._count = count
        self._room = limit

    def add(self, row: Row) -> None:
        """Keep a row if there is room."""
        if len(self.rows) < self._count and self._room >= 0:
            self.rows.append(row)
            self._room -= _size(row)


class _Selection:
    """The first rows so far, and what a row must precede to be one of them."""

    def __init__(self, count: int, limit: int, *, descending: bool) -> None:
        self.descending = descending
        self.last: Any = None
        """A row must precede this key to be one of the first; None while no row was left out."""
        self._count = count
        self._limit = limit
        self._held: list[Held] = []
        self._size = 0

    def add(self, key: Any, row: Row) -> Any:
        """Add a row that comes after all rows with the same key. Return `last`."""
        last = self.last
        if last is not None and not (key > last if self.descending else key < last):
            return last
        self._held.append((key, row))
        self._size += _size(row)
        if len(self._held) >= 2 * self._count or self._size > 2 * self._limit:
            self._sort()
        return self.last

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
            self.last = self._held[kept][0]
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
