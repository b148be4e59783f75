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
    """Sorted runs of items in the files `scratch`/`name`-N.

    `merge` merges sorted iterators. `size_of` returns the approximate size of an item in bytes.
    `plain` is faster, and needs items of numbers, bytes and tuples. `concurrent` is the number of
    other `SortedRuns` that are read at the same time, and share the limits of open files and
    memory.

    Runs are merged level by level: a full level becomes one run of the next level, so that each
    item is written once per level.
    """

    def __init__(
        self,
        scratch: Path,
        name: str,
        merge: Callable[[list[Iterator[T]]], Iterator[T]],
        size_of: Callable[[T], int],
        *,
        plain: bool = False,
        concurrent: int = 0,
    ) -> None:
        self._scratch = scratch
        self._name = name
        self._merge = merge
        self._size_of = size_of
        # Unpickling is safe: this process wrote the files, to a private folder.
        self._dump: Callable[[list[T], BinaryIO], Any] = marshal.dump if plain else _dump
        self._load: Callable[[BinaryIO], Any] = marshal.load if plain else pickle.load
        self._max_runs = max(2, min(MAX_RUNS, ALL_RUNS // (concurrent + 1)))
        self._batch_bytes = ALL_BATCHES // (self._max_runs * (concurrent + 1))
        self._levels: list[list[Path]] = []
        self._written = 0

    def spill(self, items: Iterable[T]) -> None:
        """Write sorted items to disk. Raises OSError."""
        run = self._write(items)
        for level in self._levels:
            level.append(run)
            if len(level) < self._max_runs:
                return
            run = self._merged(level)
            level.clear()
        self._levels.append([run])

    def merged_with(self, items: Iterator[T]) -> Iterator[T]:
        """Return all runs merged with the sorted `items`, which are in memory. Raises OSError."""
        runs = list(chain.from_iterable(self._levels))
        if not runs:
            return items
        # The lowest levels, whose runs are the shortest, are merged first.
        while len(runs) > self._max_runs:
            count = min(self._max_runs, len(runs) - self._max_runs + 1)
            runs = [*runs[count:], self._merged(runs[:count])]
        return self._merge([*map(self._read, runs), items])

    def _merged(self, runs: list[Path]) -> Path:
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
    """Yield each key once, in order, with its values combined by `combine`."""
    by_key = itemgetter(0)
    for key, same in groupby(heapq.merge(*runs, key=by_key), key=by_key):
        yield key, combine(value for _, value in same)


def _dump(batch: list[T], file: BinaryIO) -> None:
    pickle.dump(batch, file, pickle.HIGHEST_PROTOCOL)
