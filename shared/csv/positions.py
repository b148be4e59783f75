"""Where records stand in a file, and what is wrong there. Worked out only if it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from operator import length_hint
from typing import TYPE_CHECKING, NamedTuple

from shared.csv.encoding import source_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.csv.dialect import Encoding


class Span(NamedTuple):
    """Where a record stands in what is held, and on which line it begins."""

    at: int
    end: int
    line: int


@dataclass(slots=True)
class Fault(Exception):
    """What is wrong with a record."""

    column: int | None
    found: str
    expected: str
    at: int = 0
    """Where it shows."""
    end: int | None = None
    """Where the record ends, if that is not in doubt; else with the line of `at`."""
    unfinished: bool = False
    """Whether the record may only go on after what is held."""


class Lines:
    """Lines without quotes, the first of which is line number `first`: a record each.

    `region` is the lines as they stand at `at` in what is held.
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
        """How many of the lines are records: all, unless their reader says otherwise."""

    def __len__(self) -> int:
        return len(self._lines)

    def each_of(self, text: bytes) -> Iterator[bytes]:
        """The lines of `text`, which is `region` or the same without CRs, one by one."""
        self._lines = text.split(self._newline)
        self._lines.pop()
        self.records = len(self._lines)
        self._rest = iter(self._lines)
        return self._rest

    def empty(self) -> int:
        """How many of the lines have nothing in them."""
        return self._lines.count(b"")

    def last(self) -> Span:
        """Where the line stands that was taken last."""
        number = len(self._lines) - length_hint(self._rest) - 1
        # Lines are only asked for in order, so that each is passed over once.
        while self._known < number:
            self._known_at = self._end_of_known()
            self._known += 1
        return Span(self._at + self._known_at, self._at + self._end_of_known(), self.first + number)

    def _end_of_known(self) -> int:
        return self.region.index(self._newline, self._known_at) + 1


class Offsets:
    """How many bytes of the file, in its encoding, stand before a place in what is held."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._known = 0
        self._offset = 0

    def of(self, data: bytes, at: int) -> int:
        """Bytes of the file before `data[at]`, if `data` is what is held; places only advance."""
        self._offset += source_length(data[self._known : at], self._encoding)
        self._known = at
        return self._offset

    def drop(self, data: bytes, length: int) -> None:
        """What is held is `data[length:]` from now on."""
        self.of(data, length)
        self._known = 0


LONG_LINE = 1 << 20
"""Bytes of a line that is to be looked at by itself."""


def has_long_line(region: bytes, newline: bytes) -> bool:
    """Whether one of the lines may have `LONG_LINE` bytes or more: it covers such a step then."""
    step = LONG_LINE // 2
    return any(
        region.find(newline, at, at + step) < 0 for at in range(0, len(region) - step + 1, step)
    )
