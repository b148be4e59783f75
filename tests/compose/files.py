"""Files for the stack: small, because they are sent over Docker's bridge network."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests import slow_file

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = b"Song,Date,Number of Plays\n"
_SONGS, _DATES, _PLAYS = 7, 3, 89
_PERIOD = _SONGS * _DATES * _PLAYS
_BLOCK = 100 * _PERIOD
"""Rows that are generated once and then repeated."""


class Sample:
    """A file of song plays and its expected result."""

    def __init__(self, path: Path, rows: int, *, slow: bool = False) -> None:
        """Write the file. A `slow` file takes seconds, as it is compressed by bzip2."""
        times, remaining = divmod(rows, _BLOCK)
        block, rest = _lines(_BLOCK if times else 0), _lines(remaining)
        if slow:
            content = slow_file.bzip2(_HEADER, block, times, rest)
        else:
            content = _HEADER + block * times + rest
        path.write_bytes(content)
        self.path = path
        self.size = len(content)
        totals = _totals(rows)
        expected = "".join(f"{song},{date},{totals[song, date]}\n" for song, date in sorted(totals))
        self.result = ("Song,Date,Total Number of Plays for Date\n" + expected).encode()


def _lines(rows: int) -> bytes:
    return "".join(f"{n % _SONGS},{n % _DATES},{n % _PLAYS}\n" for n in range(rows)).encode()


def _totals(rows: int) -> Counter[tuple[str, str]]:
    periods, remaining = divmod(rows, _PERIOD)
    totals = Counter[tuple[str, str]]()
    for n in range(_PERIOD):
        times = periods + (n < remaining)
        if times:
            totals[str(n % _SONGS), str(n % _DATES)] += n % _PLAYS * times
    return totals
