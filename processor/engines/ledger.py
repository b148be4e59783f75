"""Double-entry bookkeeping: a parsed file must account for every byte of itself.

A parser that splits a file among threads, or is lenient, may lose a row, take one twice, or strip
a blank, and say nothing. So the bytes are counted a second time, on their own, and must be equal
to what the parsed rows add up to: for each field its text, for each row its commas and its line
ending, and all quotes of the file.

A field's quotes are not counted with its text: quoted, a field of n bytes with q quotes takes
n + q + 2 bytes in the file, of which 2q + 2 are quotes; unquoted n bytes, q of them quotes. Either
way it takes n - q bytes and the quotes that it adds to the census.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAIL = 256


class Census:
    """Counts the bytes of a file's data, everything after the header, as they pass."""

    def __init__(self) -> None:
        self.size = 0
        self.quotes = 0
        self._tail = b""

    def add(self, block: bytes | bytearray, length: int) -> None:
        """Count the first `length` bytes of `block`."""
        self.size += length
        self.quotes += block.count(b'"', 0, length)
        self._tail = (self._tail + bytes(block[max(0, length - _TAIL) : length]))[-_TAIL:]

    def size_without_final_endings(self, ending: bytes) -> int:
        """Bytes up to the end of the last field: final empty lines are nobody's rows."""
        final = re.search(rb"(?:%s)*\Z" % re.escape(ending), self._tail)
        return self.size - (len(final[0]) if final else 0)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the parsed rows add up to."""

    rows: int
    columns: int
    text: int
    """Bytes of all fields, not counting the quotes among them."""

    def balances(self, census: Census, ending: bytes) -> bool:
        """Whether rows with this line ending take exactly the bytes that were counted."""
        per_row = self.columns - 1 + len(ending)
        taken = self.text + self.rows * per_row + census.quotes
        return taken == census.size_without_final_endings(ending) + len(ending)
