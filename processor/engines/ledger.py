"""The ledger proves that the parsed rows account for every byte of a file.

A parser that splits a file among threads, or is lenient, may silently lose a row, count one twice,
strip a blank or skip a stray quote. So the sum of the parsed rows (the ledger) is compared with
counts of the bytes of the file (the census).

A field of n bytes with q quotes takes n + q + 2 bytes in quotes, of which 2q + 2 are quotes, or n
bytes without, of which q are quotes. Either way it takes n - q bytes that are not quotes.

Three deviations of DuckDB do not change this sum, and other counts show them. If it reads
`"a" "b"` as `a b`, the file has a quote before a blank that no field has. If it ends a row at a CR
where others end in LF, the file has a CR that no field has. If it ends a row at a CR or an LF where
others end in CRLF, which may hide a skipped byte, the file has fewer CRLFs than rows and fields.

All this holds for any delimiter of one byte. In a file that has no quotes, a field of n bytes takes
n bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.csv.grammar import CR, CRLF, LF

_QUOTES_BEFORE_BLANKS = re.compile(rb'" ')

TAIL = 256
"""The number of bytes at the end of a file that are searched for its final line ends."""


class Census:
    """Counts the bytes of the data of a file: everything after the header.

    Quotes are counted if the file is `quoted`. CRLFs are counted if rows end in CRLF (`ending`),
    else CRs.
    """

    def __init__(self, *, quoted: bool = True, ending: bytes = LF) -> None:
        self._quoted = quoted
        self._ending = ending
        self.size = 0
        self.quotes = 0
        self.quotes_before_blanks = 0
        self.returns = 0
        self.crlfs = 0
        self._tail = b""

    def add(self, block: bytes | bytearray, length: int) -> None:
        """Count the first `length` bytes of `block`."""
        if self._quoted:
            self._count_quotes(block, length)
        if self._ending == CRLF:
            self._count_crlfs(block, length)
        elif block.find(CR, 0, length) >= 0:
            self.returns += block.count(CR, 0, length)
        self.size += length
        self._tail = (self._tail + bytes(block[max(0, length - TAIL) : length]))[-TAIL:]

    def _count_quotes(self, block: bytes | bytearray, length: int) -> None:
        # Most files have no quotes, and `find` is much faster than `count`.
        if block.find(b'"', 0, length) >= 0:
            self.quotes += block.count(b'"', 0, length)
            # `count` of two bytes would take more than twice as long.
            self.quotes_before_blanks += len(_QUOTES_BEFORE_BLANKS.findall(block, 0, length))
        if self._tail.endswith(b'"') and block.startswith(b" ", 0, length):
            self.quotes_before_blanks += 1

    def _count_crlfs(self, block: bytes | bytearray, length: int) -> None:
        self.crlfs += block.count(CRLF, 0, length)
        if self._tail.endswith(CR) and block.startswith(LF, 0, length):
            self.crlfs += 1

    @property
    def tail(self) -> bytes:
        """The last bytes, up to `TAIL`."""
        return self._tail


@dataclass(frozen=True, slots=True)
class Ledger:
    """The sums of the parsed rows."""

    rows: int
    columns: int
    text: int
    """Bytes of all fields, with the quotes in them."""
    quotes: int
    """Quotes among the bytes of all fields."""
    quotes_before_blanks: int
    """Quotes before blanks: within fields, and opening quotes of fields that begin with a blank and
    must be quoted, because they contain a delimiter or a line break."""
    returns: int
    """CRs among the bytes of all fields."""
    crlfs: int
    """CRs before LFs among the bytes of all fields."""

    def balances(self, census: Census, ending: bytes) -> bool:
        """Return whether these rows account for all counted bytes."""
        final = _final_endings(census.tail, ending)
        line_ends = self.rows - 1 + final // len(ending)
        taken = self.text - self.quotes + census.quotes
        taken += self.rows * (self.columns - 1) + line_ends * len(ending)
        return (
            taken == census.size
            and self._has_line_breaks_of(census, line_ends, ending)
            and self.quotes_before_blanks == census.quotes_before_blanks
        )

    def _has_line_breaks_of(self, census: Census, line_ends: int, ending: bytes) -> bool:
        """Return whether all line breaks belong to fields or are one of `line_ends`."""
        if ending == CRLF:
            return self.crlfs + line_ends == census.crlfs
        return self.returns == census.returns


def _final_endings(tail: bytes, ending: bytes) -> int:
    """Return the bytes after the last field; empty lines at the end are not rows."""
    final = re.search(rb"(?:%s)*\Z" % re.escape(ending), tail)
    return len(final[0]) if final else 0
