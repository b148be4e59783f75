"""Files for the stack: small, as they pass over the bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result

if TYPE_CHECKING:
    from pathlib import Path


class Sample:
    """A file of song plays and what must come of it."""

    def __init__(self, path: Path, rows: int, *, slow: bool = False) -> None:
        """A `slow` one keeps an engine busy for seconds: a number beyond 64 bits is for Python."""
        lines = [f"{n % 7},{n % 3},{n % 89}\n" for n in range(rows)]
        if slow:
            lines.append(f"x,0,{2**70}\n")
        content = ("Song,Date,Number of Plays\n" + "".join(lines)).encode()
        path.write_bytes(content)
        self.path = path
        self.size = len(content)
        self.result = expected_result(SONG_PLAYS, content)[0]
