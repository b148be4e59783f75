"""The bytes of a file that a reader of records has in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.csv.positions import Offsets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.csv.dialect import Encoding


class Window:
    """The bytes in memory of a file that is read in blocks, from start to end, once.

    It grows at its end by `more`, and loses bytes at its start by `drop` and `skip_line`.
    """

    def __init__(self, blocks: Iterator[bytes], newline: bytes, encoding: Encoding) -> None:
        self._blocks = blocks
        self._newline = newline
        self._offsets = Offsets(encoding)
        self.data = b""
        """The bytes in memory."""
        self.line = 1
        """The line on which the next record begins, counted from 1. The reader counts the lines of
        the records that it reads."""

    def more(self, size: int) -> bool:
        """Read until `size` bytes are in memory. Return whether the file may have more."""
        parts = [self.data]
        missing = size - len(self.data)
        block: bytes | None = b""
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            missing -= len(block)
        if len(parts) > 1:
            self.data = b"".join(parts)
        return block is not None

    def drop(self, length: int) -> None:
        """Drop the first `length` bytes in memory."""
        self._offsets.drop(self.data, length)
        self.data = self.data[length:]

    def skip_line(self, at: int) -> None:
        """Drop all bytes up to the first line end from `at` on, reading more if needed."""
        while True:
            end = self.data.find(self._newline, at) + 1
            length = end or len(self.data)
            self.line += self.data.count(self._newline, 0, length)
            self.drop(length)
            at = 0
            if end or not self.more(1):
                return

    def offset_of(self, at: int) -> int:
        """Return the offset in the file, in bytes, of the position `at` in the data in memory."""
        return self._offsets.of(self.data, at)
