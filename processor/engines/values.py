"""Collect all values of an aggregate that needs them, sorted by group and value."""

from __future__ import annotations

import heapq
import sys
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from processor.engines.runs import SortedRuns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal
    from pathlib import Path

    Item = tuple[bytes, Any]
    """The key of a group, and a number or text."""

_ITEM_COST = 230
"""Bytes of memory for an item without its key and value: the tuple, and its list or set entry."""


class Values:
    """Collects values, of which up to `memory` bytes are in memory and the rest in `scratch`.

    `distinct` keeps each value of a group once. For `concurrent`, see `SortedRuns`.
    """

    def __init__(
        self, scratch: Path, name: str, memory: int, *, distinct: bool, concurrent: int = 0
    ) -> None:
        self._memory = memory
        self._used = 0
        self._distinct = distinct
        self._items: list[Item] = []
        self._seen: set[Item] = set()
        self._runs = SortedRuns[Any](scratch, name, self._merged, _size_of, concurrent=concurrent)

    def add(self, key: bytes, value: bytes | Decimal) -> None:
        """Add a value of the group `key`. Raises OSError."""
        item = (key, value)
        if self._distinct:
            if item in self._seen:
                return
            self._seen.add(item)
        else:
            self._items.append(item)
        self._used += _size_of(item)
        if self._used > self._memory:
            self._runs.spill(self._sorted_in_memory())
            self._items.clear()
            self._seen.clear()
            self._used = 0

    def by_key(self) -> ByKey:
        """Return all values. No more may be added."""
        return ByKey(self._runs.merged_with(iter(self._sorted_in_memory())))

    def _sorted_in_memory(self) -> list[Item]:
        return sorted(self._seen) if self._distinct else sorted(self._items)

    def _merged(self, runs: list[Iterator[Item]]) -> Iterator[Item]:
        merged: Iterable[Item] = heapq.merge(*runs)
        if self._distinct:
            return (item for item, _ in groupby(merged))
        return iter(merged)


class ByKey:
    """Yields the values of each group. Groups must be read in the order of their keys."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._groups = groupby(items, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, key: bytes) -> Iterator[Any]:
        """Return the values of `key`. Read them before the next call, which needs a greater key."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return iter(())
        return map(itemgetter(1), self._next[1])


def _size_of(item: Item) -> int:
    key, value = item
    # The size of a number depends on its digits.
    return _ITEM_COST + len(key) + sys.getsizeof(value)
