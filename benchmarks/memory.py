"""Check that memory does not grow with the file, with a file that is larger than every limit.

    python -m benchmarks.memory [--mode standalone|services|streamed] [--mb 2000] [--chunk-mb 64]

The exit code is 1 if a service that only forwards bytes grows by 64 MiB or more while the file
passes through in large chunks, or if the engine exceeds its limit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.pipeline import BYTES_A_ROW, MB, MIB, warm_up
from benchmarks.stack import MODES, MemoryWatch, running
from csvmill.client import AsyncClient
from csvmill.demo.sample import write_song_plays

GROWTH = 64 * MIB
ENGINE_LIMIT = 1024 * MIB


async def measure(mode: str, folder: Path, plays: Path, chunk: int) -> MemoryWatch:
    """Upload in chunks of `chunk` bytes, aggregate, download. Return the memory of each process."""
    with running(mode, folder, {}) as stack:
        async with AsyncClient(str(stack.pop("url"))) as client:
            await warm_up(client, folder)
            watch = MemoryWatch({name: int(pid) for name, pid in stack.items()})
            job_id = await client.upload(plays, chunk_size=chunk, parallel=4)
            await client.wait(job_id, timeout=3600)
            await client.download(job_id, folder / "result.csv")
            watch.stop()
    return watch


def main() -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--mb", type=int, default=2000)
    parser.add_argument("--chunk-mb", type=int, default=64)
    options = parser.parse_args()
    table = Table("process", "at start, MiB", "peak, MiB", "bound, MiB", "")
    exceeded = False
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        plays = folder / "plays.csv"
        write_song_plays(plays, options.mb * MB // BYTES_A_ROW, repeat=20)
        size = plays.stat().st_size
        for mode in options.mode or MODES:
            (folder / mode).mkdir()
            watch = asyncio.run(measure(mode, folder / mode, plays, options.chunk_mb * MB))
            for process, peak in sorted(watch.peaks.items()):
                started = watch.at_start.get(process)
                bound = ENGINE_LIMIT if started is None else started + GROWTH
                exceeded |= peak >= bound
                table.add_row(
                    f"{mode}: {process}",
                    f"{started / MIB:,.0f}" if started is not None else "-",
                    f"{peak / MIB:,.0f}",
                    f"{bound / MIB:,.0f}",
                    "[red]exceeded[/]" if peak >= bound else "ok",
                )
    console = Console(width=100)
    console.print(f"{size / MB:,.0f} MB in chunks of {options.chunk_mb} MB, 4 concurrent")
    console.print(table)
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
