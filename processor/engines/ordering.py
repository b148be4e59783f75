"""Sort the rows of a result, and apply the limit."""

from __future__ import annotations

import heapq
from decimal import Decimal
from functools import total_ordering
from itertools import islice
from typing import TYPE_CHECKING, Any

from processor.engines.runs import SortedRuns
from shared.aggregation.kinds import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.aggregation.resolve import Query

    Row = list[bytes]

_ROW_COST, _CELL_COST = 250, 50
"""Bytes of memory for a row and for each cell, with the sort key and without the text."""


def ordered(
    query: Query, rows: Iterator[Row], scratch: Path, memory: int, concurrent: int = 0
) -> Iterator[Row]:
    """Return the rows in the order and with the limit of `query`.

    `rows` must be sorted by the group columns. `memory` is in bytes. Runs are written to `scratch`.
    For `concurrent`, see `SortedRuns`. Raises OSError.
    """
    limit = query.aggregation.limit
    if query.order_by:
        rows = _sorted(rows, _sort_key(query), limit, scratch, memory, concurrent)
    return rows if limit is None else islice(rows, limit)


def _sorted(
    rows: Iterator[Row],
    key: Callable[[Row], Any],
    limit: int | None,
    scratch: Path,
    memory: int,
    concurrent: int,
) -> Iterator[Row]:
    def merge(runs: list[Iterator[Row]]) -> Iterator[Row]:
        return iter(heapq.merge(*runs, key=key))

    runs = SortedRuns[Any](scratch, "order", merge, _size_of, concurrent=concurrent)
    held: list[Row] = []
    used = 0
    for row in rows:
        held.append(row)
        used += _size_of(row)
        if used > memory:
            held.sort(key=key)
            held = held[:limit]
            # If the limit leaves few rows, they stay in memory.
            if sum(map(_size_of, held)) > memory // 2:
                runs.spill(held)
                held = []
            used = sum(map(_size_of, held))
    held.sort(key=key)
    return runs.merged_with(iter(held))


def _size_of(row: Row) -> int:
    return sum(map(len, row)) + _CELL_COST * len(row) + _ROW_COST


def _sort_key(query: Query) -> Callable[[Row], tuple[Any, ...]]:
    kinds = query.kinds
    groups = len(query.group_by)
    parts = [
        (order.column, order.descending, kinds[order.column] in NUMERIC) for order in query.order_by
    ]

    def key(row: Row) -> tuple[Any, ...]:
        values: list[Any] = []
        for column, descending, numeric in parts:
            cell = row[column]
            value = _number(cell) if numeric else cell
            values.append(_Descending(value) if descending else value)
        return (*values, *row[:groups])

    return key


def _number(cell: bytes) -> tuple[bool, Decimal]:
    """Return the sort key of a number. A missing value sorts before all numbers."""
    return (True, Decimal(cell.decode())) if cell else (False, Decimal(0))


@total_ordering
class _Descending:
    """A value that sorts in reverse."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._value == other._value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other._value < self._value)

    def __hash__(self) -> int:
        return hash(self._value)
