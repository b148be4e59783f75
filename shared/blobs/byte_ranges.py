"""Byte ranges: half-open intervals, and sets of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """The bytes from offset `start` (inclusive) to offset `stop` (exclusive)."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"not a byte range: {self.start}..{self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class RangeSet:
    """A set of bytes, kept as sorted ranges that neither touch nor overlap."""

    ranges: tuple[ByteRange, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> RangeSet:
        """Return the union of `(start, stop)` pairs, which may be in any order, or empty."""
        merged: list[ByteRange] = []
        for start, stop in sorted(ranges):
            if start == stop:
                continue
            if merged and start <= merged[-1].stop:
                last = merged[-1]
                merged[-1] = ByteRange(last.start, max(last.stop, stop))
            else:
                merged.append(ByteRange(start, stop))
        return cls(tuple(merged))

    def __iter__(self) -> Iterator[ByteRange]:
        return iter(self.ranges)

    def __len__(self) -> int:
        """The number of bytes in the set."""
        return sum(len(r) for r in self.ranges)

    @property
    def prefix(self) -> int:
        """The number of bytes from the start without a gap."""
        return self.ranges[0].stop if self.ranges and self.ranges[0].start == 0 else 0

    def add(self, start: int, stop: int) -> RangeSet:
        """Return the set with the bytes `start..stop` added."""
        if start == stop:
            return self
        # The ranges from `first` to `last` touch the new one and are merged with it.
        first = bisect_left(self.ranges, start, key=lambda r: r.stop)
        last = bisect_right(self.ranges, stop, key=lambda r: r.start)
        touched = self.ranges[first:last]
        if touched:
            start = min(start, touched[0].start)
            stop = max(stop, touched[-1].stop)
        return RangeSet((*self.ranges[:first], ByteRange(start, stop), *self.ranges[last:]))

    def without(self, other: RangeSet) -> RangeSet:
        """Return the bytes of this set that are not in `other`."""
        return RangeSet(
            tuple(gap for held in self.ranges for gap in other.missing(held.start, held.stop))
        )

    def within(self, other: RangeSet) -> RangeSet:
        """Return the bytes of this set that are in `other` too."""
        return self.without(self.without(other))

    def covers(self, start: int, stop: int) -> bool:
        """Whether every byte of `start..stop` is in the set (true for an empty range)."""
        return not self.missing(start, stop)

    def touches(self, at: int) -> bool:
        """Whether `at` is within one of the ranges, or at its end: what begins there adds none."""
        first = bisect_left(self.ranges, at, key=lambda r: r.stop)
        return first < len(self.ranges) and self.ranges[first].start <= at

    def missing(self, start: int, stop: int) -> tuple[ByteRange, ...]:
        """Return the parts of `start..stop` that are not in the set, in order."""
        gaps: list[ByteRange] = []
        at = start
        first = bisect_right(self.ranges, start, key=lambda r: r.stop)
        for held in self.ranges[first:]:
            if held.start >= stop:
                break
            if held.start > at:
                gaps.append(ByteRange(at, held.start))
            at = max(at, held.stop)
        if at < stop:
            gaps.append(ByteRange(at, stop))
        return tuple(gaps)
