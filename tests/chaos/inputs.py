"""The uploaded files with their expected results; drawn from seed and number."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from shared.jobs.job import SONG_PLAYS
from tests.oracle import csv_line, expected_result

SMALLEST = 10_000
USUALLY_AT_MOST = 1_000_000
LARGEST = 5_000_000
"""Bytes."""
FOLLOWED = 1_500_000
"""Bytes from which a file is aggregated while it is received."""


@dataclass(frozen=True, slots=True)
class Content:
    """Size and digest of bytes that are not kept in memory."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Return the size and digest of `data`."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Input:
    """A file with its expected result, or with the line at which it is malformed."""

    number: int
    kind: str
    data: bytes
    result: Content | None
    malformed_line: int | None = None


def make_input(seed: int, number: int) -> Input:
    """Return the file with this number. The same seed and number give the same file."""
    draw = random.Random(f"{seed}/input/{number}")
    if number % 6 == 4:
        size = draw.randrange(FOLLOWED, LARGEST)
    else:
        size = int(SMALLEST * (USUALLY_AT_MOST / SMALLEST) ** draw.random())
    kind = KINDS[number % len(KINDS)]
    lines = _lines(draw, size, kind)
    if kind in _FAULTS:
        place = draw.randrange(1, len(lines) + 1)
        lines.insert(place, draw.choice(_FAULTS[kind]))
        before = "".join(lines[:place])
        return Input(number, kind, "".join(lines).encode(), None, before.count("\n") + 1)
    data = "".join(lines).encode()
    if kind == "with BOM and CRLF":
        data = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    return Input(number, kind, data, Content.of(expected_result(SONG_PLAYS, data)[0]))


_FAULTS = {
    "not a number": ("Song,2026-01-01,many\n", "Song,2026-01-01,\n", "Song,2026-01-01,1 000\n"),
    "another width": ("Song,2026-01-01\n", "Song,2026-01-01,1,2\n", "Song\n"),
}
KINDS = (
    "plain", "quoted", "plain", "large numbers", "quoted", "not a number", "plain",
    "with BOM and CRLF", "plain", "quoted", "another width",
)  # fmt: skip


def _lines(draw: random.Random, size: int, kind: str) -> list[str]:
    songs = draw.choice((3, 200, 5_000))
    titles = [_title(draw, number, kind) for number in range(songs)]
    top = 10**30 if kind == "large numbers" else 1_000
    lines = ["Song,Date,Number of Plays\n"]
    while size > 0:
        date = f"2026-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        lines.append(csv_line((draw.choice(titles), date, str(draw.randrange(top)))))
        size -= len(lines[-1])
    return lines


def _title(draw: random.Random, number: int, kind: str) -> str:
    title = f"Song {number}"
    if kind in ("quoted", *_FAULTS) and draw.random() < 0.2:
        title += draw.choice((', "again"', "\nsecond line", " č, ž", '"'))
    return title
