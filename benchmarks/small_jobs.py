"""Time small jobs: upload a file of 10 KB, wait for the job, download the result.

    python -m benchmarks.small_jobs [--mode standalone|services|streamed] [--jobs 200]

Prints how long a job takes one at a time, how many jobs a second are done at 16 at a time, and the
CPU seconds of csvmill a job. `--beside FILE` uploads and aggregates that file meanwhile, again and
again. `--folder` must be on the disk to measure.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.bare_http import Connection
from benchmarks.stack import MODES, running
from csvmill.client import AsyncClient
from csvmill.demo.sample import write_song_plays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROWS = 230
"""Rows of a file of about 10 KB."""
AT_A_TIME = 16
WARM_UP = 20
"""Jobs before the measurement."""
WAIT = 30
"""Seconds for which the server may hold a request for the state of a job."""
PAUSE = 0.005
"""Seconds between two requests to a server that does not hold them."""
TARGETS = {
    "standalone": ("<= 25 ms", ">= 100"),
    "services": ("", ">= 60"),
    "streamed": ("", ""),
}


@dataclass
class Figures:
    """The figures of one mode."""

    alone: list[float]
    """Seconds of each job, one at a time."""
    together: list[float]
    """Seconds of each job, many at a time."""
    rate: float
    """Jobs a second, many at a time."""
    cpu: float
    """CPU seconds of csvmill a job, many at a time."""


async def run_job(connection: Connection, content: bytes, expected: bytes | None) -> bytes:
    """Upload a file, wait for its job, and return the result. Raises RuntimeError."""
    upload = await connection.json("PUT", "/api/v1/uploads?name=small.csv", content)
    job_path = upload["job"]
    while True:
        started = time.perf_counter()
        job = await connection.json("GET", f"{job_path}?wait={WAIT}")
        if job["state"] not in ("PENDING", "STARTED", "RETRY"):
            break
        if time.perf_counter() - started < PAUSE:
            await asyncio.sleep(PAUSE)
    if job["state"] != "SUCCESS":
        raise RuntimeError(f"{job_path} is {job['state']}: {job['reason']}")
    result = await connection.body("GET", f"{job_path}/result")
    if expected is not None and result != expected:
        raise RuntimeError(f"the result of {job_path} is not that of the job before it")
    return result


async def run_jobs(url: str, content: bytes, count: int, at_a_time: int) -> list[float]:
    """Run `count` jobs, and return the seconds of each."""
    seconds: list[float] = []
    left = iter(range(count))

    async def client() -> None:
        expected: bytes | None = None
        async with Connection(url) as connection:
            for _ in left:
                started = time.perf_counter()
                expected = await run_job(connection, content, expected)
                seconds.append(time.perf_counter() - started)

    await asyncio.gather(*(client() for _ in range(at_a_time)))
    return seconds


async def run_again_and_again(client: AsyncClient, path: Path | None) -> None:
    """Upload a large file and wait for its job, and so on, until cancelled. Does nothing for None.

    Raises JobUnsuccessful.
    """
    while path is not None:
        await client.wait(await client.upload(path))


async def measure(
    mode: str, folder: Path, jobs: int, settings: Mapping[str, str], beside: Path | None
) -> Figures:
    """Run the jobs of one mode."""
    small = folder / "small.csv"
    write_song_plays(small, ROWS)
    content = small.read_bytes()
    with running(mode, folder, settings) as stack:
        url = str(stack.pop("url"))
        pids = [int(pid) for pid in stack.values()]
        await run_jobs(url, content, WARM_UP, 4)
        async with AsyncClient(url) as client:
            large = asyncio.create_task(run_again_and_again(client, beside))
            try:
                alone = await run_jobs(url, content, jobs, 1)
                cpu, started = _cpu_seconds(pids), time.perf_counter()
                together = await run_jobs(url, content, jobs, AT_A_TIME)
                took = time.perf_counter() - started
            finally:
                large.cancel()
                await asyncio.gather(large, return_exceptions=True)
        return Figures(alone, together, jobs / took, (_cpu_seconds(pids) - cpu) / jobs)


def _cpu_seconds(pids: Iterable[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--beside", type=Path)
    options = parser.parse_args()
    table = Table(
        "mode", "p50, ms", "p99", "max", "target", f"jobs/s at {AT_A_TIME}", "target",
        f"p50 at {AT_A_TIME}, ms", "p99", "max", "CPU a job, ms",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for mode in options.mode or MODES:
            (folder / mode).mkdir()
            figures = asyncio.run(measure(mode, folder / mode, options.jobs, {}, options.beside))
            once, rate = TARGETS[mode]
            table.add_row(
                mode, *_percentiles(figures.alone), once, f"{figures.rate:.0f}", rate,
                *_percentiles(figures.together), f"{figures.cpu * 1000:.1f}",
            )  # fmt: skip
    Console(width=110).print(table)


def _percentiles(seconds: list[float]) -> tuple[str, ...]:
    """Return the median, the 99th percentile and the longest, in milliseconds."""
    p99 = statistics.quantiles(seconds, n=100)[98]
    return tuple(f"{each * 1000:.1f}" for each in (statistics.median(seconds), p99, max(seconds)))


if __name__ == "__main__":
    main()
