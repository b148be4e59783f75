"""`python -m csvmill.demo [FILE]`: aggregate a file with the real service, and check the result.

Without FILE, a sample of song plays is generated. Exits with 0 if every total is exact, otherwise
with 1 and the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import secrets
import sys
import tempfile
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from csvmill.client import AsyncClient, ClientError
from csvmill.demo.sample import read_totals, write_song_plays
from csvmill.standalone.child import local_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from csvmill.demo.sample import Expected

SAMPLE_ROWS = 2_000_000
JOB_TIMEOUT = 3600.0
"""Seconds."""
MB = 1_000_000


class DemoFailed(Exception):
    """A step of the demo failed. The message says which, and why."""


class Stopwatch:
    """Records seconds and bytes of each stage."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float, int | None]] = []

    @contextmanager
    def stage(self, name: str, size: Callable[[], int] | None = None) -> Iterator[None]:
        """Time the body; `size()` returns its bytes afterwards."""
        started = time.perf_counter()
        yield
        self.stages.append((name, time.perf_counter() - started, size() if size else None))


class Amount(ProgressColumn):
    """Rows or bytes done, and bytes per second."""

    def render(self, task: Task) -> Text:
        """Return an empty text for a stage without progress."""
        rate = task.finished_speed or task.speed
        if task.fields.get("unit") == "rows":
            return Text(f"{task.completed:>10,.0f} rows")
        if rate is None or task.total == 1:
            return Text()
        return Text(f"{task.completed / MB:>8,.1f} MB {rate / MB:>5,.0f} MB/s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="csvmill.demo", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a CSV file of song plays")
    parser.add_argument(
        "--rows", type=int, default=SAMPLE_ROWS, help="number of rows of the sample"
    )
    options = parser.parse_args(arguments)
    console = Console()
    try:
        with tempfile.TemporaryDirectory(prefix="csvmill-demo-") as folder:
            _demo(console, Path(folder), options.file, options.rows)
    except (DemoFailed, ClientError, OSError) as error:
        console.print(f"[bold red]The demo failed:[/] {error}", highlight=False)
        return 1
    return 0


def _demo(console: Console, folder: Path, file: Path | None, rows: int) -> None:
    watch = Stopwatch()
    result = folder / "result.csv"
    with _bars(console) as bars:
        if file is None:
            file = folder / "plays.csv"
            task = bars.add_task("generate a sample", total=rows, unit="rows")
            expected = write_song_plays(
                file, rows, progress=lambda done: bars.update(task, completed=done)
            )
        else:
            expected = _total_with_csv_module(bars, watch, file)
        size = file.stat().st_size
        job_id = asyncio.run(_through_the_service(bars, watch, folder, file, result))
        task = bars.add_task("check every total", total=None)
        _check(result, expected)
        bars.update(task, total=1, completed=1)
    _report(console, watch, result, job_id, size, expected)


async def _through_the_service(
    bars: Progress, watch: Stopwatch, folder: Path, file: Path, result: Path
) -> str:
    size = file.stat().st_size  # noqa: ASYNC240  (no other task runs yet)
    token = secrets.token_urlsafe()
    async with (
        local_service(folder / "data", folder / "service.log", token=token) as server,
        AsyncClient(server, api_key=token) as client,
    ):
        task = bars.add_task("upload in chunks", total=size)
        with watch.stage("upload", lambda: size):
            job_id = await client.upload(
                file, progress=lambda done: bars.update(task, completed=done.done)
            )
        task = bars.add_task("aggregate", total=None)
        with watch.stage("aggregate", lambda: size):
            await client.wait(job_id, timeout=JOB_TIMEOUT)
        bars.update(task, total=size, completed=size)
        task = bars.add_task("download by Range", total=None)
        with watch.stage("download", lambda: result.stat().st_size):
            received = await client.download(
                job_id, result, progress=lambda done: bars.update(task, completed=done.done)
            )
        bars.update(task, total=received.size)
    return job_id


def _total_with_csv_module(bars: Progress, watch: Stopwatch, file: Path) -> Expected:
    task = bars.add_task("total with the csv module", total=None)
    try:
        with watch.stage("csv module and dict", lambda: file.stat().st_size):
            expected = read_totals(file)
    except (csv.Error, ValueError) as error:
        raise DemoFailed(f"Python's csv module cannot total {file}: {error}") from error
    bars.update(task, total=1, completed=1)
    return expected


def _check(result: Path, expected: Expected) -> None:
    actual: dict[tuple[str, str], Decimal] = {}
    with result.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, strict=True)
        next(rows)
        for song, date, plays in rows:
            if (song, date) in actual:
                raise DemoFailed(f"the result has two rows for {song!r} on {date}")
            actual[song, date] = Decimal(plays)
    for key in sorted(expected.totals.keys() | actual.keys()):
        expected_total, found = expected.totals.get(key), actual.get(key)
        if expected_total != found:
            raise DemoFailed(f"{key}: the result has {found}, expected {expected_total}")


def _report(
    console: Console, watch: Stopwatch, result: Path, job_id: str,
    size: int, expected: Expected,
) -> None:  # fmt: skip
    console.print("\nThe first rows of the result:")
    with result.open(encoding="utf-8") as file:
        for _ in range(6):
            console.print(f"  {file.readline().rstrip()}", highlight=False, markup=False)
    console.print(f"\nJob {job_id}:", highlight=False)
    table = Table("stage", "seconds", "MB/s")
    for name, seconds, done in watch.stages:
        rate = f"{done / MB / seconds:,.0f}" if done else ""
        table.add_row(name, f"{seconds:.2f}", rate)
    console.print(table)
    console.print(
        f"{expected.rows:,} rows ({size / MB:,.1f} MB) in, "
        f"{len(expected.totals):,} rows ({result.stat().st_size / MB:,.2f} MB) out. "
        "[bold green]Every total is right.[/]",
        highlight=False,
    )


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description:<26}"), BarColumn(bar_width=16),
        TimeElapsedColumn(), Amount(), console=console,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
