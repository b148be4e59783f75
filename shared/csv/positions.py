"""The positions of records in a file, which are computed only when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from operator import length_hint
from typing import TYPE_CHECKING, NamedTuple

from shared.csv.encoding import source_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.csv.dialect import Encoding


class Span(NamedTuple):
    """The position of a record in the data in memory, and the line on which it begins."""

    at: int
    end: int
    line: int


@dataclass(slots=True)
class Fault(Exception):
    """A fault of a record, before its position in the file is known."""

    column: int | None
    found: str
    expected: str
    at: int = 0
    """The position of the fault in the data in memory."""
    end: int | None = None
    """The end of the record if it is certain; None means the end of the line of `at`."""
    unfinished: bool = False
    """Whether there is no fault yet: the record continues after the data in memory."""


class Lines:
    """Lines without quotes, each of which is a record. The first one has the number `first`.

    `region` is the bytes of the lines, which begin at `at` in the data in memory.
    """

    def __init__(self, region: bytes, at: int, first: int, newline: bytes) -> None:
        self.region = region
        self.first = first
        self._at = at
        self._newline = newline
        self._lines: list[bytes] = []
        self._rest: Iterator[bytes] = iter(())
        self._known = 0
        self._known_at = 0
        self.records = 0
        """The number of records; the reader subtracts empty and bad lines."""
        self.passed_over = 0
        """The number of empty lines, which the reader counts."""

    def __len__(self) -> int:
        return len(self._lines)

    def each_of(self, text: bytes) -> Iterator[bytes]:
        """Return an iterator over the lines of `text`: `region`, with or without CRs."""
        self._lines = text.split(self._newline)
        self._lines.pop()
        self.records = len(self._lines)
        self._rest = iter(self._lines)
        return self._rest

    def empty(self) -> int:
        """Return the number of empty lines."""
        return self._lines.count(b"")

    def last(self) -> Span:
        """Return the span of the line that was read last."""
        number = len(self._lines) - length_hint(self._rest) - 1
        # Lines are read in order, so that this loop passes each line once.
        while self._known < number:
            self._known_at = self._end_of_known()
            self._known += 1
        return Span(self._at + self._known_at, self._at + self._end_of_known(), self.first + number)

    def _end_of_known(self) -> int:
        return self.region.index(self._newline, self._known_at) + 1


class Offsets:
    """Computes offsets in the file, in its encoding, from positions in the data in memory."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._known = 0
        self._offset = 0

    def of(self, data: bytes, at: int) -> int:
        """Return the bytes of the file before `data[at]`. Positions must not decrease."""
        self._offset += source_length(data[self._known : at], self._encoding)
        self._known = at
        return self._offset

    def drop(self, data: bytes, length: int) -> None:
        """Note that the first `length` bytes of `data` are dropped from memory."""
        self.of(data, length)
        self._known = 0


LONG_LINE = 1 << 20
"""The size from which a line is checked by itself, in bytes."""


def has_long_line(region: bytes, newline: bytes) -> bool:
    """Return whether a line may have `LONG_LINE` bytes or more: half as many have no line end."""
    step = LONG_LINE // 2
    return any(
        region.find(newline, at, at + step) < 0 for at in range(0, len(region) - step + 1, step)
    )
