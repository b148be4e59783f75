"""Files for the stack: small, because they are sent over Docker's bridge network."""

from __future__ import annotations

import bz2
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Sample:
    """A file of song plays and its expected result."""

    def __init__(self, path: Path, rows: int, *, slow: bool = False) -> None:
        """Write the file. A `slow` file takes seconds, as it is compressed by bzip2."""
        totals = Counter[tuple[str, str]]()
        lines = []
        for n in range(rows):
            song, date, plays = str(n % 7), str(n % 3), n % 89
            totals[song, date] += plays
            lines.append(f"{song},{date},{plays}\n")
        content = ("Song,Date,Number of Plays\n" + "".join(lines)).encode()
        if slow:
            content = bz2.compress(content)
        path.write_bytes(content)
        self.path = path
        self.size = len(content)
        expected = "".join(f"{song},{date},{totals[song, date]}\n" for song, date in sorted(totals))
        self.result = ("Song,Date,Total Number of Plays for Date\n" + expected).encode()
