"""External sorting: sorted runs on disk that are merged at the end."""

from __future__ import annotations

import heapq
import marshal
import pickle
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

T = TypeVar("T")

MAX_RUNS = 64
"""The maximum number of runs that are merged at a time."""
ALL_RUNS = 256
"""The maximum number of runs, each an open file, that all merges read at the same time."""
BATCH = 4096
"""The maximum number of items read from a run at a time."""
ALL_BATCHES = 16 << 20
"""The bytes in memory of the batches of all runs, one batch per run."""


class SortedRuns(Generic[T]):
    """Items that were sorted in memory and written to disk, a run at a time.

    `merge` makes one sorted iterator of several. `size_of` tells the bytes of an item, roughly.
    Items of numbers, bytes and tuples only are `plain`, which is faster. Files are
    `scratch`/`name`-N; iterating over what was merged reads them. `beside` is how many others are
    iterated over at the same time: open files and memory are shared with them.

    As many runs as are merged at a time become one of the next level, and so on: an item is
    written once a level, however many runs there are.
    """

    def __init__(
        self,
        scratch: Path,
        name: str,
        merge: Callable[[list[Iterator[T]]], Iterator[T]],
        size_of: Callable[[T], int],
        *,
        plain: bool = False,
        beside: int = 0,
    ) -> None:
        self._scratch = scratch
        self._name = name
        self._merge = merge
        self._size_of = size_of
        # Safe: this process wrote these files to a private folder.
        self._dump: Callable[[list[T], BinaryIO], Any] = marshal.dump if plain else _dump
        self._load: Callable[[BinaryIO], Any] = marshal.load if plain else pickle.load
        self._most = max(2, min(MAX_RUNS, ALL_RUNS // (beside + 1)))
        self._batch_bytes = ALL_BATCHES // (self._most * (beside + 1))
        self._levels: list[list[Path]] = []
        self._written = 0

    def spill(self, items: Iterable[T]) -> None:
        """Write sorted items to disk. Raises OSError."""
        run = self._write(items)
        for level in self._levels:
            level.append(run)
            if len(level) < self._most:
                return
            run = self._as_one(level)
            level.clear()
        self._levels.append([run])

    def merged_with(self, items: Iterator[T]) -> Iterator[T]:
        """All runs, and the sorted `items` that stayed in memory, as one. Raises OSError."""
        runs = list(chain.from_iterable(self._levels))
        if not runs:
            return items
        # Those of the lowest levels, which are the shortest, come first.
        while len(runs) > self._most:
            count = min(self._most, len(runs) - self._most + 1)
            runs = [*runs[count:], self._as_one(runs[:count])]
        return self._merge([*map(self._read, runs), items])

    def _as_one(self, runs: list[Path]) -> Path:
        merged = self._write(self._merge([*map(self._read, runs)]))
        for path in runs:
            path.unlink()
        return merged

    def _write(self, items: Iterable[T]) -> Path:
        path = self._scratch / f"{self._name}-{self._written}"
        self._written += 1
        with path.open("wb") as file:
            for batch in self._batches(items):
                self._dump(batch, file)
        return path

    def _batches(self, items: Iterable[T]) -> Iterator[list[T]]:
        batch: list[T] = []
        size = 0
        for item in items:
            batch.append(item)
            size += self._size_of(item)
            if len(batch) >= BATCH or size >= self._batch_bytes:
                yield batch
                batch = []
                size = 0
        if batch:
            yield batch

    def _read(self, path: Path) -> Iterator[T]:
        with path.open("rb") as file:
            yield from chain.from_iterable(self._read_batches(file))

    def _read_batches(self, file: BinaryIO) -> Iterator[list[T]]:
        while True:
            try:
                yield self._load(file)
            except EOFError:
                return


def merge_groups(
    runs: list[Iterator[tuple[bytes, T]]], combine: Callable[[Iterator[T]], T]
) -> Iterator[tuple[bytes, T]]:
    """Every key once, in order, with what `combine` makes of all that belongs to it."""
    by_key = itemgetter(0)
    for key, same in groupby(heapq.merge(*runs, key=by_key), key=by_key):
        yield key, combine(value for _, value in same)


def _dump(batch: list[T], file: BinaryIO) -> None:
    pickle.dump(batch, file, pickle.HIGHEST_PROTOCOL)
