"""Small files of song plays, and their results."""

from __future__ import annotations

from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result


def song_plays(rows: int, *, songs: int = 5) -> bytes:
    """Return a file with `rows` plays of `songs` songs."""
    lines = [f"song {n % songs},2026-01-{n % 3 + 1:02d},{n}\n" for n in range(rows)]
    return ("Song,Date,Number of Plays\n" + "".join(lines)).encode()


def result_of(content: bytes) -> bytes:
    """Return the expected result of a file, computed without csvmill."""
    return expected_result(SONG_PLAYS, content)[0]


PLAYS = song_plays(100)
RESULT = result_of(PLAYS)
