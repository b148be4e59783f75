"""Time the upload, job and download of a large file, and other tools in the same run.

    python -m benchmarks.pipeline [--part transfers|run|modes] [--mb 1000] [--rounds 5]

Prints tables of figures and ratios: uploads and downloads beside nginx and @tus/server, where they
are installed (`benchmarks.transfers`); `csvmill run` beside curl and DuckDB after it; and the
upload in chunks, job and download of each mode. Bare DuckDB runs before and after csvmill, and the
mean is used, so that the comparison stays fair if the machine slows down during the run.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.engines.data import FILES, FULL, written
from benchmarks.head_start import TARGET_RUN, run_whole, upload_then_duckdb
from benchmarks.peers import servers
from benchmarks.stack import MODES, MemoryWatch, running
from benchmarks.transfers import Transfers
from csvmill.client import AsyncClient
from csvmill.demo.sample import write_song_plays

MB = 1_000_000
MIB = 1 << 20
BYTES_A_ROW = 44
"""Approximate size of a row of the sample."""
POLL = 0.02
"""Seconds between two requests for the state of a timed job."""
SPARSE_ROWS = 6_000_000
"""Rows of the second file. Nearly every row is its own group, so the result is large."""
PARTS = ("transfers", "run", "modes")
TARGETS = {"upload": ">= 300 MB/s", "job": "<= 0.5x bare DuckDB", "download": ">= 500 MB/s"}


@dataclass
class Figures:
    """The figures of one mode, in seconds and bytes."""

    upload: float = 0.0
    job: float = 0.0
    download: float = 0.0
    downloaded: int = 0
    sparse_job: float = 0.0
    at_start: dict[str, int] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)


async def measure(mode: str, folder: Path, plays: Path, sparse: Path | None) -> Figures:
    """Upload, aggregate and download both files."""
    figures = Figures()
    with running(mode, folder, {}) as stack:
        url = str(stack.pop("url"))
        async with AsyncClient(url) as client:
            await warm_up(client, folder)
            watch = MemoryWatch({name: int(pid) for name, pid in stack.items()})
            started = time.perf_counter()
            job_id = await client.upload(plays, chunk_size=8 * MIB, parallel=4)
            figures.upload = time.perf_counter() - started
            started = time.perf_counter()
            await client.wait(job_id, timeout=3600, longest_pause=POLL)
            figures.job = time.perf_counter() - started
            await client.download(job_id, folder / f"{mode}.csv")
            if sparse is not None:
                sparse_id = await client.upload(sparse)
                started = time.perf_counter()
                await client.wait(sparse_id, timeout=3600, longest_pause=POLL)
                figures.sparse_job = time.perf_counter() - started
                started = time.perf_counter()
                figures.downloaded = await _download(url, sparse_id)
                figures.download = time.perf_counter() - started
            watch.stop()
            figures.at_start, figures.peaks = watch.at_start, watch.peaks
    return figures


async def warm_up(client: AsyncClient, folder: Path) -> None:
    """Process a small file first, so that imports and connections are not measured."""
    small = folder / "small.csv"
    write_song_plays(small, 1000)
    job_id = await client.upload(small)
    await client.wait(job_id, timeout=60)
    await client.download(job_id, folder / "small-result.csv")


async def _download(url: str, job_id: str) -> int:
    """Download with curl, without writing to disk. Return the number of bytes."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}",
        f"{url}/api/download_file/{job_id}", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"curl ended with {process.returncode}")
    return int(output)


def write_sparse(path: Path, rows: int) -> None:
    """Write song plays in which nearly every row is its own group."""
    with path.open("w", encoding="utf-8", buffering=MIB) as file:
        file.write("Song,Date,Number of Plays\n")
        for start in range(0, rows, 10_000):
            # A multiplicative hash spreads neighbours, so that the input is not sorted.
            file.writelines(
                f"Song {number * 2654435761 % 4294967296},2026-01-01,{number % 1000}\n"
                for number in range(start, start + 10_000)
            )


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all")
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--mb", type=int, default=1000, help="size of the input in MB")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of transfers and runs")
    parser.add_argument("--data", type=Path, help="folder with the files of benchmarks.engines")
    parser.add_argument("--no-csv-module", action="store_true", help="skip the slowest tool")
    options = parser.parse_args()
    parts = options.part or PARTS
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rows = FILES["few_groups"].rows * options.mb // FULL
        file = written("few_groups", rows, options.data or folder)
        console.print(f"input: {file.stat().st_size / MB:,.0f} MB")
        if "transfers" in parts:
            _print_transfers(console, folder, file, options.rounds)
        if "run" in parts:
            _print_runs(console, folder, file, options.rounds)
        if "modes" in parts:
            _print_modes(console, folder, options)


def _print_transfers(console: Console, folder: Path, file: Path, rounds: int) -> None:
    for name, version in (
        ("nginx", servers.nginx_version()),
        ("@tus/server", servers.tus_version()),
    ):
        console.print(f"{name}: {version or 'not installed, left out'}")
    write_sparse(folder / "sparse.csv", SPARSE_ROWS)
    for table in Transfers(folder, file, folder / "sparse.csv", rounds=rounds).tables():
        console.print(table)


def _print_runs(console: Console, folder: Path, file: Path, rounds: int) -> None:
    whole, parts = [], []
    for number in range(rounds):
        own = _fresh(folder / f"run-{number}")
        whole.append(run_whole(file, own))
        parts.append(asyncio.run(upload_then_duckdb(file, own)))
        shutil.rmtree(own)
    run, peer = statistics.median(whole), statistics.median(parts)
    console.print(
        f"csvmill run: {run:.2f} s; curl -T and then DuckDB: {peer:.2f} s: {peer / run:.2f}x "
        f"(target >= {TARGET_RUN}x)"
    )


def _print_modes(console: Console, folder: Path, options: argparse.Namespace) -> None:
    plays, sparse = folder / "plays.csv", folder / "sparse.csv"
    write_song_plays(plays, options.mb * MB // BYTES_A_ROW, repeat=20)
    write_sparse(sparse, SPARSE_ROWS)
    before = peers.bare_duckdb(plays, folder / "peer.csv")
    figures = {
        mode: asyncio.run(measure(mode, _fresh(folder / mode), plays, sparse))
        for mode in options.mode or MODES
    }
    duckdb = (before + peers.bare_duckdb(plays, folder / "peer.csv")) / 2
    plain = None if options.no_csv_module else peers.csv_module(plays, folder / "plain.csv")
    if plain is not None:
        for mode in figures:
            _same(folder / mode / f"{mode}.csv", folder / "plain.csv")
    _print(console, plays.stat().st_size, figures, duckdb, plain)


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _same(first: Path, second: Path) -> None:
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)}
    if len(digests) != 1:
        raise RuntimeError(f"{first} and {second} differ")


def _print(
    console: Console, size: int, figures: dict[str, Figures], duckdb: float, plain: float | None
) -> None:
    table = Table("figure", *figures, "target", title="csvmill")
    table.add_row(
        "upload in chunks", *(f"{size / MB / f.upload:,.0f} MB/s" for f in figures.values()),
        TARGETS["upload"],
    )  # fmt: skip
    table.add_row("job", *(f"{f.job:.2f} s" for f in figures.values()), "")
    table.add_row(
        "job / bare DuckDB", *(f"{f.job / duckdb:.2f}x" for f in figures.values()), TARGETS["job"]
    )
    if plain is not None:
        table.add_row("csv module / job", *(f"{plain / f.job:.1f}x" for f in figures.values()), "")
    table.add_row("sparse job", *(f"{f.sparse_job:.2f} s" for f in figures.values()), "")
    table.add_row(
        "download",
        *(f"{f.downloaded / MB / f.download:,.0f} MB/s" for f in figures.values()),
        TARGETS["download"],
    )
    console.print(table)
    console.print(f"bare DuckDB: {duckdb:.2f} s ({size / MB / duckdb:,.0f} MB/s)")
    if plain is not None:
        console.print(f"csv module and dict: {plain:.2f} s ({size / MB / plain:,.0f} MB/s)")
    memory = Table("process", "at start, MiB", "peak, MiB", title="resident memory")
    for mode, f in figures.items():
        for name in sorted(f.peaks):
            started = f.at_start.get(name)
            memory.add_row(
                f"{mode}: {name}" if name != mode else name,
                f"{started / MIB:,.0f}" if started else "-",
                f"{f.peaks[name] / MIB:,.0f}",
            )
    console.print(memory)


if __name__ == "__main__":
    main()
