"""Measure the cost of keeping acknowledged chunks through a power failure.

    python -m benchmarks.fsync [--mb 300] [--rounds 3] [--folder DIR]

Uploads the same file to the standalone service with fsync and without, alternately, in chunks of
several sizes, and prints the rates and their ratio. Before each upload, the page cache is written
to disk. `--folder` must be on the disk to measure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.pipeline import BYTES_A_ROW, MB, MIB, warm_up
from benchmarks.stack import running
from csvmill.client import AsyncClient
from csvmill.demo.sample import write_song_plays

CHUNK_SIZES = (1 * MIB, 8 * MIB, 64 * MIB)
PARALLEL = 4
"""Number of concurrent chunks."""


async def measure(folder: Path, plays: Path, *, fsync: bool) -> dict[int, float]:
    """Return the seconds that the upload takes, by chunk size."""
    seconds = {}
    with running(
        "standalone", folder, {"CSVMILL_STORAGE_FSYNC": "always" if fsync else "never"}
    ) as stack:
        async with AsyncClient(str(stack["url"])) as client:
            await warm_up(client, folder)
            for chunk_size in CHUNK_SIZES:
                await asyncio.to_thread(os.sync)
                started = time.perf_counter()
                job_id = await client.upload(plays, chunk_size=chunk_size, parallel=PARALLEL)
                seconds[chunk_size] = time.perf_counter() - started
                await client.wait(job_id, timeout=3600)
    return seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mb", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    taken: defaultdict[tuple[int, bool], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-", dir=options.folder) as name:
        plays = Path(name) / "plays.csv"
        write_song_plays(plays, options.mb * MB // BYTES_A_ROW, repeat=20)
        size = plays.stat().st_size
        for round_ in range(options.rounds):
            # The order alternates too, so that the comparison stays fair if the disk slows down.
            for fsync in (True, False) if round_ % 2 else (False, True):
                with tempfile.TemporaryDirectory(dir=name) as folder:
                    for chunk_size, seconds in asyncio.run(
                        measure(Path(folder), plays, fsync=fsync)
                    ).items():
                        taken[chunk_size, fsync].append(seconds)
    table = Table("chunk, MiB", "always, MB/s", "never, MB/s", "always / never", "rounds")
    for chunk_size in CHUNK_SIZES:
        always, never = (
            size / MB / statistics.median(taken[chunk_size, fsync]) for fsync in (True, False)
        )
        each = ", ".join(
            f"{without / with_:.2f}"
            for with_, without in zip(
                taken[chunk_size, True], taken[chunk_size, False], strict=True
            )
        )
        table.add_row(
            f"{chunk_size // MIB}", f"{always:,.0f}", f"{never:,.0f}", f"{always / never:.2f}", each
        )
    console = Console(width=100)
    console.print(f"{size / MB:,.0f} MB, {PARALLEL} concurrent chunks, median of {options.rounds}")
    console.print(table)


if __name__ == "__main__":
    main()
