"""The files of the measurements. A file of a number of rows has the same bytes on every machine."""

from __future__ import annotations

import datetime
import gzip
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 100_000
"""Rows that are written at a time."""
FULL = 1000
"""The size in MB, about, of a file of `File.rows` rows."""
WORDS = (
    b"Love Night Blue River Dance Fire Home Gold Rain Heart Moon Road Time Star Dream Wild".split()
)
PAIRS = [b"%b %b" % (first, second) for first in WORDS for second in WORDS]
DAYS = [
    (datetime.date(2024, 1, 1) + datetime.timedelta(days)).isoformat().encode()
    for days in range(360)
]
PLAYS = [b"%d\n" % plays for plays in range(1, 10_000)]
UNASKED = (
    PAIRS,
    [b"%d" % number for number in range(100_000)],
    [b"%d.%02d" % divmod(cents, 100) for cents in range(100_000)],
    [b"%d" % number for number in range(10)],
)
"""Cells of the columns of `wide` that are not asked for, by the column's number modulo 4."""

Maker = Callable[[random.Random, int, int], Iterable[bytes]]
"""Yields the parts of some rows, from the number of the first row and how many there are."""


@dataclass(frozen=True, slots=True)
class File:
    """A CSV file."""

    columns: dict[str, str]
    """The kind of each column: `text`, `integer`, or `cents` for numbers of two decimals."""
    rows: int
    """How many rows there are in about 1 GB."""
    size: int
    """Bytes of a file of so many rows."""
    maker: Callable[[], Maker]
    """Prepares the maker of the rows. It is called when the file is written, as it takes memory."""


def _titles(count: int) -> list[bytes]:
    rng = random.Random("titles")
    return [b"%b %d" % (pair, n) for n, pair in enumerate(rng.choices(PAIRS, k=count))]


def _cells(values: Iterable[bytes]) -> list[bytes]:
    """Return the values, each with a comma behind it."""
    return [b"%b," % value for value in values]


def _choices(*columns: list[bytes]) -> Maker:
    """Return a maker of rows whose parts are chosen at random, each from a list."""

    def make(rng: random.Random, _start: int, count: int) -> Iterable[bytes]:
        parts = [rng.choices(column, k=count) for column in columns]
        return chain.from_iterable(zip(*parts, strict=True))

    return make


def _few_groups() -> Maker:
    keys = [b"%b,%b," % (song, day) for song in _titles(1000) for day in DAYS[:30]]
    return _choices(keys, PLAYS)


def _many_groups() -> Maker:
    return _choices(_cells(_titles(10_000)), _cells(DAYS), PLAYS)


def _own_groups() -> Maker:
    def make(rng: random.Random, start: int, count: int) -> Iterable[bytes]:
        parts = (rng.choices(column, k=count) for column in (PAIRS, DAYS, PLAYS))
        # Multiplication by an odd number spreads the titles, so that the file is not sorted.
        return (
            b"%b %d,%b,%b" % (pair, number * 2654435761 & 0xFFFFFFFF, day, plays)
            for number, pair, day, plays in zip(range(start, start + count), *parts, strict=True)
        )

    return make


def _quoted() -> Maker:
    rng = random.Random("quoted")
    titles = [
        b'"%b, ""%b""\nfeat. %b",' % (title, rng.choice(WORDS), rng.choice(WORDS))
        for title in _titles(1000)
    ]
    return _choices(titles, [b'"%b",' % day for day in DAYS[:30]], PLAYS)


def _decimals() -> Maker:
    prices = [b"%b\n" % price for price in UNASKED[2]]
    return _choices(_cells(_titles(1000)), _cells(DAYS[:30]), prices)


def _wide() -> Maker:
    rng = random.Random("wide")

    def unasked(first: int, end: int) -> list[bytes]:
        """Return several texts of the columns from `first` up to `end`."""
        columns = [UNASKED[number % 4] for number in range(first, end)]
        return [b",".join(map(rng.choice, columns)) for _ in range(5000)]

    plays = [b"%d," % plays for plays in range(1, 10_000)]
    return _choices(
        _cells(unasked(0, 4)), _cells(_titles(1000)),
        _cells(unasked(5, 17)), _cells(DAYS[:30]),
        _cells(unasked(18, 33)), plays,
        [b"%b\n" % cells for cells in unasked(34, 40)],
    )  # fmt: skip


def _listeners() -> Maker:
    listeners = [b"user%06d," % number for number in range(200_000)]
    seconds = [b"%d\n" % seconds for seconds in range(30, 3600)]
    return _choices(_cells(_titles(10_000)), listeners, seconds)


_SONGS = {"Song": "text", "Date": "text", "Plays": "integer"}
_ASKED = {4: "Song", 17: "Date", 33: "Plays"}

FILES = {
    "few_groups": File(_SONGS, 31_000_000, 941_854_947, _few_groups),
    "many_groups": File(_SONGS, 30_000_000, 941_974_988, _many_groups),
    "own_groups": File(_SONGS, 26_000_000, 968_647_760, _own_groups),
    "quoted": File(_SONGS, 18_500_000, 1_036_370_974, _quoted),
    "decimals": File(
        {"Song": "text", "Date": "text", "Price": "cents"}, 30_000_000, 971_491_587, _decimals
    ),
    "wide": File(
        {_ASKED.get(n, f"c{n}"): _SONGS.get(_ASKED.get(n, ""), "text") for n in range(40)},
        4_000_000, 1_048_210_364, _wide,
    ),
    "listeners": File(
        {"Song": "text", "Listener": "text", "Seconds": "integer"},
        30_000_000, 936_556_043, _listeners,
    ),
}  # fmt: skip


def written(name: str, rows: int, folder: Path) -> Path:
    """Return the path of a file of `rows` rows, which is written unless it exists."""
    path = folder / f"{name}-{rows}.csv"
    file = FILES[name]
    if not path.exists():
        print(f"writing {path} ...", flush=True)
        part = path.with_suffix(".part")
        _write(file, name, rows, part)
        part.rename(path)
    size = path.stat().st_size
    if rows == file.rows and size != file.size:
        raise RuntimeError(f"{path} has {size} bytes instead of {file.size}: remove it")
    return path


def zipped(path: Path) -> Path:
    """Return the path of the file compressed with gzip, which is written unless it exists."""
    to = path.with_suffix(".csv.gz")
    if not to.exists():
        print(f"writing {to} ...", flush=True)
        part = path.with_suffix(".gz.part")
        with path.open("rb") as plain, gzip.open(part, "wb", compresslevel=6) as file:
            shutil.copyfileobj(plain, file, 1 << 20)
        part.rename(to)
    return to


def _write(file: File, name: str, rows: int, path: Path) -> None:
    rng = random.Random(name)
    make = file.maker()
    with path.open("wb") as to:
        to.write(",".join(file.columns).encode() + b"\n")
        for start in range(0, rows, BLOCK):
            to.write(b"".join(make(rng, start, min(BLOCK, rows - start))))
