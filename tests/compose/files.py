"""Files for the stack: small, because they are sent over Docker's bridge network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result

if TYPE_CHECKING:
    from pathlib import Path


class Sample:
    """A file of song plays and its expected result."""

    def __init__(self, path: Path, rows: int, *, slow: bool = False) -> None:
        """Write the file. A `slow` file takes seconds: its 71-bit number needs the exact plan."""
        lines = [f"{n % 7},{n % 3},{n % 89}\n" for n in range(rows)]
        if slow:
            lines.append(f"x,0,{2**70}\n")
        content = ("Song,Date,Number of Plays\n" + "".join(lines)).encode()
        path.write_bytes(content)
        self.path = path
        self.size = len(content)
        self.result = expected_result(SONG_PLAYS, content)[0]
