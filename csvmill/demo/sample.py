"""Sample files of song plays, and their expected totals."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

HEADER = ("Song", "Date", "Number of Plays")
BLOCK = 50_000
"""Rows that are generated and written at a time."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The totals of a file of song plays, computed without csvmill."""

    rows: int
    """The number of rows without the header."""
    totals: Mapping[tuple[str, str], Decimal]
    """Total plays for each song and date."""


def write_song_plays(
    path: Path,
    rows: int,
    *,
    songs: int = 1_000,
    days: int = 30,
    repeat: int = 1,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Expected:
    """Write `rows` song plays as CSV, and return their totals.

    Totals are summed as `Decimal` while the rows are generated. Each block of rows is written
    `repeat` times, which produces large files quickly. `progress` receives the rows so far.
    """
    random_source = random.Random(seed)  # noqa: S311  (reproducible on purpose)
    titles = [_title(number) for number in range(songs)]
    dates = [f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in range(days)]
    totals: dict[tuple[str, str], Decimal] = {}
    written = 0
    with path.open("wb") as file:
        file.write(_csv([HEADER]))
        while written < rows:
            block = [
                (
                    random_source.choice(titles),
                    random_source.choice(dates),
                    random_source.randrange(100_000),
                )
                for _ in range(min(BLOCK, rows - written))
            ]
            times = min(repeat, (rows - written) // len(block))
            for title, date, plays in block:
                key = (title, date)
                totals[key] = totals.get(key, Decimal(0)) + Decimal(plays) * times
            encoded = _csv(block)
            for _ in range(times):
                file.write(encoded)
                written += len(block)
                progress(written)
    return Expected(written, totals)


def read_totals(path: Path, *, progress: Callable[[int], None] = lambda _rows: None) -> Expected:
    """Total a file of song plays with the `csv` module, `Decimal` and a dict.

    Slow and in memory: the reference that csvmill is checked against and compared with. Raises
    ValueError (UnicodeDecodeError is one) or csv.Error if the file does not contain song plays.
    """
    totals: dict[tuple[str, str], Decimal] = {}
    number = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader, None)
        for number, row in enumerate(filter(None, reader), start=1):
            try:
                key, plays = (row[0], row[1]), Decimal(row[2])
            except (IndexError, ArithmeticError):
                raise ValueError(
                    f"line {reader.line_num} is not a song, a date and a number: {row}"
                ) from None
            totals[key] = totals.get(key, Decimal(0)) + plays
            if number % BLOCK == 0:
                progress(number)
    return Expected(number, totals)


def _title(number: int) -> str:
    if number % 7 == 0:
        return f'The "{number}" Song, Again'
    if number % 11 == 0:
        return f"Čarobna pesem {number}"
    return f"Song number {number} of the year"


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
