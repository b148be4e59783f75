"""Time from the last byte of an upload to its result, with and without a head start.

    python -m benchmarks.head_start [--mode standalone|services|streamed] [--mb 1000] [--rate 200]

Uploads a file of song plays (30,000 groups) with curl at a limited rate, in MB/s, and waits for
the job: first without head starts, which gives the time of the job as a batch, then with them.
Then runs `csvmill run` on the file, beside an upload by curl and bare DuckDB after it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.engines.data import FILES, FULL, written
from benchmarks.stack import MODES, MemoryWatch, running
from csvmill.client import AsyncClient

MB = 1_000_000
MIB = 1 << 20
TARGET_SHARE = 0.05
TARGET_SECONDS = 0.3
TARGET_RUN = 1.5


@dataclass(frozen=True, slots=True)
class Job:
    """One upload and its job."""

    upload: float
    """Seconds until the last byte was acknowledged."""
    after: float
    """Seconds from then until the job had succeeded."""
    done: int | None
    """Bytes that had been aggregated when the upload ended; None without a head start."""


async def upload_and_wait(url: str, file: Path, rate: float | None) -> Job:
    """Upload a file in one request, and wait for its job."""
    limit = [] if rate is None else ["--limit-rate", str(int(rate * MB))]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "curl", "-sf", *limit, "-T", str(file), f"{url}/api/v1/uploads?name=plays.csv",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer, _ = await process.communicate()
    acknowledged = time.perf_counter()
    if process.returncode != 0:
        raise RuntimeError(f"curl ended with {process.returncode}")
    job_id = json.loads(answer)["job"].rpartition("/")[2]
    async with AsyncClient(url) as client:
        job = await client.wait(job_id, timeout=3600)
    ended = time.perf_counter()
    done = job.report.head_start if job.report else None
    return Job(acknowledged - began, ended - acknowledged, done)


async def measure(
    mode: str, folder: Path, file: Path, rate: float, *, head_starts: int, runs: int
) -> tuple[list[Job], dict[str, int]]:
    """Return the jobs, and the peak memory of each process in bytes."""
    settings = {"CSVMILL_HEAD_STARTS": str(head_starts), "CSVMILL_MEMORY_LIMIT": str(1 << 30)}
    with running(mode, folder, settings) as stack:
        url = str(stack.pop("url"))
        watch = MemoryWatch({name: int(pid) for name, pid in stack.items()})
        jobs = [await upload_and_wait(url, file, rate) for _ in range(runs)]
        watch.stop()
    return jobs, watch.peaks


def run_whole(file: Path, folder: Path) -> float:
    """Return the seconds of `csvmill run`, with its own service."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "csvmill", "run", str(file), "-o", str(folder / "run.csv")],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


async def upload_then_duckdb(file: Path, folder: Path) -> float:
    """Return the seconds of an upload without a limit of its rate, and of DuckDB after it."""
    with running("standalone", folder, {"CSVMILL_HEAD_STARTS": "0"}) as stack:
        uploaded = (await upload_and_wait(str(stack["url"]), file, None)).upload
    return uploaded + peers.bare_duckdb(file, folder / "peer.csv")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--mb", type=int, default=1000, help="size of the file in MB")
    parser.add_argument("--rate", type=float, default=200.0, help="MB/s of the upload")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder with the files of benchmarks.engines")
    options = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rows = FILES["few_groups"].rows * options.mb // FULL
        file = written("few_groups", rows, options.data or folder)
        table = Table("", "batch", "after the last byte", "share", "done by then", "peak, MiB")
        for mode in options.mode or MODES:
            before, _ = _in(mode, folder / f"{mode}-0", file, options, head_starts=0)
            after, peaks = _in(mode, folder / f"{mode}-1", file, options, head_starts=1)
            _add(table, mode, before, after, file.stat().st_size, peaks)
        console.print(table)
        console.print(f"target: <= {TARGET_SHARE:.0%} of batch, and <= {TARGET_SECONDS} s")
        whole, parts = [], []
        for number in range(options.runs):
            own = folder / f"run-{number}"
            own.mkdir()
            whole.append(run_whole(file, own))
            parts.append(asyncio.run(upload_then_duckdb(file, own)))
        run, peer = statistics.median(whole), statistics.median(parts)
        console.print(
            f"csvmill run: {run:.2f} s; curl -T and then DuckDB: {peer:.2f} s: {peer / run:.2f}x "
            f"(target >= {TARGET_RUN}x)"
        )


def _in(
    mode: str, folder: Path, file: Path, options: argparse.Namespace, *, head_starts: int
) -> tuple[list[Job], dict[str, int]]:
    folder.mkdir()
    return asyncio.run(
        measure(mode, folder, file, options.rate, head_starts=head_starts, runs=options.runs)
    )


def _add(
    table: Table,
    mode: str,
    before: list[Job],
    after: list[Job],
    size: int,
    peaks: dict[str, int],
) -> None:
    batch = statistics.median(job.after for job in before)
    left = statistics.median(job.after for job in after)
    done = statistics.median(job.done or 0 for job in after)
    memory = ", ".join(f"{name} {peak / MIB:,.0f}" for name, peak in sorted(peaks.items()))
    table.add_row(
        mode, f"{batch:.2f} s", f"{left:.2f} s", f"{left / batch:.0%}", f"{done / size:.0%}", memory
    )


if __name__ == "__main__":
    main()
