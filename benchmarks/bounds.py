"""Check that the engine keeps its limits on files that exceed them, and reports clear outcomes.

    python -m benchmarks.bounds [CASE ...] [--folder DIR] [--memory-mb 1024]

Creates the file of each case below DIR (up to 10 GB, removed afterwards), aggregates it, and shows
the outcome, the time, and the peak use of memory and scratch disk. The exit code is 1 if a case has
another outcome than expected, or if its engine exceeds its limit of memory or scratch disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from processor.engines.native import NativeEngine
from processor.engines.port import SCRATCH, EngineLimits
from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn, OrderColumn
from shared.csv.dialect import Input
from shared.errors import JobFailed, MalformedInput
from shared.jobs.report import report_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

MB = 10**6
MIB = 1 << 20
BETWEEN_LOOKS = 256 * MIB
"""Bytes that may be written to the scratch disk between two measurements."""
HEADER = b"Song,Date,Number of Plays\n"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A `Source` (see `processor.engines.port`) on this machine."""

    local_path: Path

    @property
    def place(self) -> None:
        """No other machine can read it."""

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.local_path.name

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.local_path.stat().st_size

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Never called, because `local_path` exists."""
        raise FileNotFoundError(self.local_path)


@dataclass(frozen=True, slots=True)
class Case:
    """A file, the aggregation, and the expected outcome."""

    blocks: Callable[[], Iterator[bytes]]
    outcome: str
    aggregation: Aggregation = SONG_PLAYS
    time_limit: float | None = None
    scratch: int = SCRATCH
    """Bytes."""


def sparse(megabytes: int) -> Iterator[bytes]:
    """Yield song plays with 30,000 groups."""
    rows = (
        b"song %d,2026-01-%02d,%d\n" % (n % 1000, n // 1000 % 30 + 1, n) for n in range(3_000_000)
    )
    block = b"".join(rows)
    yield HEADER
    for _ in range(megabytes * MB // len(block) + 1):
        yield block


def all_groups(megabytes: int) -> Iterator[bytes]:
    """Yield song plays in which nearly every row is its own group."""
    yield HEADER
    written = number = 0
    while written < megabytes * MB:
        numbers = range(number, number + 100_000)
        # Multiplication by a prime spreads the songs, so that the file is not sorted. The songs
        # repeat after 10^9 rows.
        block = b"".join(b"song %d,2026-01-01,%d\n" % (n * 7919 % 999_999_937, n) for n in numbers)
        yield block
        written += len(block)
        number += 100_000


def wide(columns: int, rows: int) -> Iterator[bytes]:
    """Yield integers in many columns. The first column has ten different values."""
    yield b",".join(b"c%d" % n for n in range(columns)) + b"\n"
    rest = b",".join(b"%d" % n for n in range(1, columns))
    for row in range(rows):
        yield b"%d,%s\n" % (row % 10, rest)


def long_record(megabytes: int) -> Iterator[bytes]:
    """Yield a record of this length between short ones."""
    yield HEADER + b"a,b,1\n"
    for _ in range(megabytes):
        yield b"x" * MB
    yield b",b,2\na,b,3\n"


SUM_OF_LAST = Aggregation((GroupColumn("c0"),), (Aggregate("sum", "c9999", kind="integer"),))
COUNT = Aggregation((GroupColumn("c0"),), (Aggregate("count"),))

GENERAL = Aggregation(
    (GroupColumn("Song"),),
    (
        Aggregate("avg", 3, "avg", "number"),
        Aggregate("median", 3, "median", "number"),
        Aggregate("count_distinct", "Date", "dates", "text"),
    ),
    order_by=(OrderColumn("avg", descending=True),),
    output="jsonl",
)
"""An aggregation that keeps values of each group."""

CASES: dict[str, Case] = {
    "10,000 columns": Case(lambda: wide(10_000, 2_000), "10 groups", SUM_OF_LAST),
    "1,000,000 columns": Case(lambda: wide(1_000_000, 20), "10 groups", COUNT),
    "2,000,000 columns": Case(lambda: wide(2_000_000, 3), "refused", COUNT),
    "a record of 60 MB": Case(lambda: long_record(60), "2 groups"),
    "a record of 100 MB": Case(lambda: long_record(100), "refused"),
    "a record of 100 MB, skip": Case(
        lambda: long_record(100), "1 groups", replace(SONG_PLAYS, input=Input(on_bad_row="skip"))
    ),
    "a time limit of 2 s": Case(lambda: sparse(3_000), "stopped", time_limit=2.0),
    "a scratch limit of 500 MB": Case(
        lambda: all_groups(2_000), "CSVMILL_SCRATCH_LIMIT", scratch=500 * MB
    ),
    "200 MB, all groups, jsonl": Case(lambda: all_groups(200), "groups", GENERAL),
    "200 MB, all groups, parquet": Case(
        lambda: all_groups(200), "groups", replace(GENERAL, output="parquet")
    ),
    "2 GB, all groups": Case(lambda: all_groups(2_000), "groups"),
    "10 GB, 30,000 groups": Case(lambda: sparse(10_000), "30000 groups"),
}


async def measure(case: Case, folder: Path, memory: int) -> dict[str, object]:
    """Run a case in this process. Its child processes are those of the engine."""
    path = folder / "input.csv"
    with path.open("wb") as file:
        for block in case.blocks():
            file.write(block)
    scratch = folder / "scratch"
    scratch.mkdir()
    limits = EngineLimits(memory=memory, time_limit=case.time_limit, scratch=case.scratch)
    engine = NativeEngine(limits)
    started = time.monotonic()
    report = None
    try:
        output = await engine.aggregate(
            case.aggregation, [LocalFile(path)], scratch, lambda _progress: None
        )
        report = output.report
        outcome = f"{report.groups} groups"
    except JobFailed as error:
        report = report_of(error)
        outcome = f"{'refused' if isinstance(error, MalformedInput) else 'stopped'}: {error}"
    assert report is not None
    return {
        "outcome": outcome,
        "size": path.stat().st_size,
        "seconds": time.monotonic() - started,
        # Not `ru_maxrss` of the children, which starts with the memory of this process.
        "memory": report.peak_memory,
        "scratch": report.peak_scratch,
    }


def main() -> int:
    """Measure the named cases, or all of them. Return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument(
        "--memory-mb", type=int, default=1024, help="memory limit of the engine in MiB"
    )
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown case {min(unknown)!r}")
    memory = options.memory_mb * MIB
    if options.inner:
        (name,) = options.cases
        found = asyncio.run(measure(CASES[name], options.folder, memory))
        sys.stdout.write(json.dumps(found))
        return 0
    table = Table("file", "MB", "outcome", "s", "memory, MiB", "scratch, MiB", "")
    failed = False
    for name in options.cases or CASES:
        with tempfile.TemporaryDirectory(prefix="csvmill-bounds-", dir=options.folder) as folder:
            command = [sys.executable, "-m", "benchmarks.bounds", name, "--inner"]
            command += ["--folder", folder, "--memory-mb", str(options.memory_mb)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        case = CASES[name]
        right = (
            case.outcome in found["outcome"]
            and found["memory"] <= memory
            and found["scratch"] <= case.scratch + BETWEEN_LOOKS
        )
        failed = failed or not right
        table.add_row(
            name,
            f"{found['size'] / MB:,.0f}",
            found["outcome"],
            f"{found['seconds']:.1f}",
            f"{found['memory'] / MIB:,.0f}",
            f"{found['scratch'] / MIB:,.0f}",
            "as expected" if right else "NOT AS EXPECTED",
        )
        Console().print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
