"""The values of an aggregate that needs them all, sorted by group and value."""

from __future__ import annotations

import heapq
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

_ITEM_COST = 330
"""Bytes of memory for an item besides its text: tuple, key, number, entry of list or set."""


class Values:
    """Collects values, `memory` bytes of them at a time; each once for a group if `distinct`.

    For `beside`, see `SortedRuns`.
    """

    def __init__(
        self, scratch: Path, name: str, memory: int, *, distinct: bool, beside: int = 0
    ) -> None:
        self._memory = memory
        self._used = 0
        self._distinct = distinct
        self._held: list[Item] = []
        self._seen: set[Item] = set()
        self._runs = SortedRuns[Any](scratch, name, self._merged, _size_of, beside=beside)

    def add(self, key: bytes, value: bytes | Decimal) -> None:
        """Take a value of the group `key`. Raises OSError."""
        item = (key, value)
        if self._distinct:
            if item in self._seen:
                return
            self._seen.add(item)
        else:
            self._held.append(item)
        self._used += _size_of(item)
        if self._used > self._memory:
            self._runs.spill(self._sorted_in_memory())
            self._held.clear()
            self._seen.clear()
            self._used = 0

    def by_key(self) -> ByKey:
        """All values, once the last was added."""
        return ByKey(self._runs.merged_with(iter(self._sorted_in_memory())))

    def _sorted_in_memory(self) -> list[Item]:
        return sorted(self._seen) if self._distinct else sorted(self._held)

    def _merged(self, runs: list[Iterator[Item]]) -> Iterator[Item]:
        merged: Iterable[Item] = heapq.merge(*runs)
        if self._distinct:
            return (item for item, _ in groupby(merged))
        return iter(merged)


class ByKey:
    """Gives the values of one group after another, in the order of their keys."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._groups = groupby(items, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, key: bytes) -> Iterator[Any]:
        """The values of `key`, to be read before those of a later key are asked for."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return iter(())
        return map(itemgetter(1), self._next[1])


def _size_of(item: Item) -> int:
    key, value = item
    return _ITEM_COST + len(key) + (len(value) if isinstance(value, bytes) else 0)
