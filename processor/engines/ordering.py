"""The order of a result's rows, and how many are kept."""

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
"""Bytes of memory for a row and for each of its cells besides their text, sort key included."""


def ordered(
    query: Query, rows: Iterator[Row], scratch: Path, memory: int, beside: int = 0
) -> Iterator[Row]:
    """The rows, which come in the order of their group columns, as `query` orders and limits them.

    `memory` is in bytes; runs are written to `scratch`; for `beside`, see `SortedRuns`. Raises
    OSError.
    """
    limit = query.aggregation.limit
    if query.order_by:
        rows = _sorted(rows, _sort_key(query), limit, scratch, memory, beside)
    return rows if limit is None else islice(rows, limit)


def _sorted(
    rows: Iterator[Row],
    key: Callable[[Row], Any],
    limit: int | None,
    scratch: Path,
    memory: int,
    beside: int,
) -> Iterator[Row]:
    def merge(runs: list[Iterator[Row]]) -> Iterator[Row]:
        return iter(heapq.merge(*runs, key=key))

    runs = SortedRuns[Any](scratch, "order", merge, _size_of, beside=beside)
    held: list[Row] = []
    used = 0
    for row in rows:
        held.append(row)
        used += _size_of(row)
        if used > memory:
            held.sort(key=key)
            held = held[:limit]
            # A limit that fits in memory makes runs needless.
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
        found: list[Any] = []
        for column, descending, numeric in parts:
            cell = row[column]
            value = _number(cell) if numeric else cell
            found.append(_Descending(value) if descending else value)
        return (*found, *row[:groups])

    return key


def _number(cell: bytes) -> tuple[bool, Decimal]:
    """A number's place: what has no value comes before all numbers."""
    return (True, Decimal(cell.decode())) if cell else (False, Decimal(0))


@total_ordering
class _Descending:
    """Compares the other way round."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._value == other._value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other._value < self._value)

    def __hash__(self) -> int:
        return hash(self._value)
