"""Double-entry bookkeeping: a parsed file must account for every byte of itself.

A parser that splits a file among threads, or is lenient, may lose a row, take one twice, strip a
blank or pass over a stray quote, and say nothing. So the rows that it found are weighed against
the file, in one of two ways.

Without reading the file again: every field written with no more quotes than it needs, the rows
take a certain number of bytes. Fields in needless quotes, stripped blanks and lost rows make the
file longer than that, nothing makes it shorter but a row taken twice, or an LF that ends a row
where others end in CRLF. So an equal size proves the parse, unless a field with quotes in it may
have been written without quotes around it, or rows end in CRLF.

Else by a census of the file. A field of n bytes with q quotes takes n + q + 2 bytes in quotes, of
which 2q + 2 are quotes, or n bytes without, q of them quotes: either way n - q bytes besides what
it adds to the quotes of the file. So its bytes less its quotes are known. That leaves one liberty
of DuckDB's, to read `"a" "b"` as `a b`: it shows as a quote before a blank that no field has. An LF
without CR shows where rows end in CRLF: it has to be part of a field.

All this holds for any delimiter of one byte. In a file that has no quotes, a field of n bytes takes
n bytes, and equal sizes prove the parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.csv.grammar import CRLF, LF

TAIL = 256
"""Bytes at the end of a file in which its final line endings are looked for."""


class Census:
    """Counts the bytes of a file's data, everything after the header, as they pass.

    Unless the file is `quoted`, a quote is a byte like any other. Line breaks are counted if rows
    end in CRLF, as `ending` says.
    """

    def __init__(self, *, quoted: bool = True, ending: bytes = LF) -> None:
        self._quoted = quoted
        self._ending = ending
        self.size = 0
        self.quotes = 0
        self.quotes_before_blanks = 0
        self.lone_newlines = 0
        self._tail = b""

    def add(self, block: bytes | bytearray, length: int) -> None:
        """Count the first `length` bytes of `block`."""
        if self._quoted:
            self._count_quotes(block, length)
        if self._ending == CRLF:
            self._count_newlines(block, length)
        self.size += length
        self._tail = (self._tail + bytes(block[max(0, length - TAIL) : length]))[-TAIL:]

    def _count_quotes(self, block: bytes | bytearray, length: int) -> None:
        quotes = block.count(b'"', 0, length)
        if quotes:
            self.quotes += quotes
            self.quotes_before_blanks += block.count(b'" ', 0, length)
        if self._tail.endswith(b'"') and block.startswith(b" "):
            self.quotes_before_blanks += 1

    def _count_newlines(self, block: bytes | bytearray, length: int) -> None:
        self.lone_newlines += block.count(LF, 0, length) - block.count(CRLF, 0, length)
        if self._tail.endswith(b"\r") and block.startswith(LF, 0, length):
            self.lone_newlines -= 1

    @property
    def tail(self) -> bytes:
        """The last bytes, up to `TAIL`."""
        return self._tail


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the parsed rows add up to."""

    rows: int
    columns: int
    text: int
    """Bytes of all fields, the quotes among them included."""
    needed_quotes: int
    """Bytes of quotes that fields need around and within them besides their text."""
    quotes: int
    """Quotes among the bytes of all fields."""
    quotes_before_blanks: int
    """Quotes that a blank follows: within fields, and those before a field that begins with a blank
    and contains a delimiter or a line break, and so needs quotes around."""
    ambiguous: int
    """Fields with quotes among their text that may stand in the file without quotes around."""
    lone_newlines: int
    """LFs among the bytes of all fields that no CR precedes."""

    def balances_at_sight(self, size: int, tail: bytes, ending: bytes) -> bool:
        """Whether data of `size` bytes that ends in `tail` can be these rows and nothing else."""
        taken = self.text + self.needed_quotes + self._structure(ending)
        certain = self.ambiguous == 0 and ending != CRLF
        return certain and taken == size - _final_endings(tail, ending)

    def balances(self, census: Census, ending: bytes) -> bool:
        """Whether what was counted can be these rows and nothing else."""
        taken = self.text - self.quotes + census.quotes + self._structure(ending)
        return (
            taken == census.size - _final_endings(census.tail, ending)
            and self.quotes_before_blanks == census.quotes_before_blanks
            and (ending != CRLF or self.lone_newlines == census.lone_newlines)
        )

    def _structure(self, ending: bytes) -> int:
        """Bytes of delimiters and of line endings but the last."""
        return self.rows * (self.columns - 1 + len(ending)) - len(ending)


def _final_endings(tail: bytes, ending: bytes) -> int:
    """Bytes after the last field: empty lines at the end are nobody's rows."""
    final = re.search(rb"(?:%s)*\Z" % re.escape(ending), tail)
    return len(final[0]) if final else 0
