"""Compare how csvmill and other readers find out how a file is written: docs/csv.md.

    python -m benchmarks.detection [--files 2000] [--python build/peers/bin/python] [--show wrong]

The files are generated: encodings, delimiters, quotes, line ends, titles, ragged records; how each
is to be read is known. `make benchmark` installs the peers. The exit code is 1 if csvmill reads a
file otherwise than it was written, and does not warn of that, but for what docs/report.md excepts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from itertools import compress
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from benchmarks.detection import csvmill_job
from benchmarks.detection.outcome import NOT_TOLD, OUTCOMES, Outcome, outcome
from benchmarks.detection.reading import Reading
from tests.unit.shared.inspection.corpus import READABLE, Known, known_files
from tests.unit.shared.inspection.corpus_dirt import EVERY

CODE = Path(__file__).parents[2]
PEERS = {
    "duckdb_sniffer": "DuckDB",
    "clevercsv_sniffer": "CleverCSV",
    "csv_sniffer": "Python's csv.Sniffer",
}
"""The name of each peer in the table, by the name of its module."""
DRAWN_FOR_ONE = 6
"""How many examples are drawn for one file."""
TIMEOUT = 3600.0
"""Seconds for all files of one peer."""


def drawn(count: int) -> list[Known]:
    """Return `count` files, the same ones in each run with the same corpus and Hypothesis."""
    files: dict[object, Known] = {}

    @given(known_files(EVERY))
    @settings(
        # Many examples are variants of others, which would be counted several times.
        max_examples=DRAWN_FOR_ONE * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keep(known: Known) -> None:
        if known.is_ambiguous:
            return
        key = (known.dirt, known.encoding, known.delimiter, known.header, len(known.records[0]))
        files.setdefault((*key, known.records[0]), known)

    keep()
    return list(files.values())[:count]


async def read_by_csvmill(files: list[Known], paths: list[Path]) -> list[Reading]:
    """Run a job on each file."""
    kernel = csvmill_job.kernel()
    return [
        csvmill_job.reading_of(
            await csvmill_job.count(kernel, path, known.declared_header, len(known.records[0]))
        )
        for known, path in zip(files, paths, strict=True)
    ]


def read_by_peer(python: Path, peer: str, files: list[Known], paths: list[Path]) -> list[Reading]:
    """Let a peer read all files, in one process."""
    asked = [
        json.dumps([str(path), known.declared_header])
        for known, path in zip(files, paths, strict=True)
    ]
    done = subprocess.run(
        [str(python), "-m", f"benchmarks.detection.peers.{peer}"],
        cwd=CODE,
        input="\n".join(asked) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    return [Reading(**json.loads(line)) for line in done.stdout.splitlines()]


def is_clean(known: Known) -> bool:
    """Return whether a file is a table without dirt, in an encoding that csvmill reads."""
    return known.dirt == "none" and known.encoding in READABLE


def markdown(title: str, outcomes: dict[str, list[Outcome]]) -> str:
    """Return the table of some files, whose outcomes are given for each reader."""
    total = len(outcomes["csvmill"])
    lines = [f"| {total} files: {title} | " + " | ".join(OUTCOMES.values()) + " |"]
    lines.append("|---" + "|---:" * len(OUTCOMES) + "|")
    for name, found in outcomes.items():
        shares = (f"{found.count(kind)} ({found.count(kind) / total:.0%})" for kind in OUTCOMES)
        lines.append(f"| {name} | " + " | ".join(shares) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Read all files with all readers, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--show", choices=OUTCOMES, help="print csvmill's files of this outcome")
    parser.add_argument(
        "--python", type=Path, default=CODE / "build" / "peers" / "bin" / "python",
        help="the interpreter that has the peers; default: that of `make benchmark`",
    )  # fmt: skip
    options = parser.parse_args()
    files = drawn(options.files)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.csv") for number in range(len(files))]
        for known, path in zip(files, paths, strict=True):
            path.write_bytes(known.data)
        readings = {"csvmill": asyncio.run(read_by_csvmill(files, paths))}
        for peer in options.peers:
            readings[PEERS[peer]] = read_by_peer(options.python.absolute(), peer, files, paths)
    outcomes = {name: list(map(outcome, files, found)) for name, found in readings.items()}
    for title, clean in (
        ("tables alone, in UTF-8, UTF-16 or Windows-1252", True),
        ("with lines that are not of the table, ragged records, or in other encodings", False),
    ):
        chosen = [is_clean(known) is clean for known in files]
        print(
            markdown(title, {name: list(compress(all_, chosen)) for name, all_ in outcomes.items()})
        )
    for known, reading, found in zip(files, readings["csvmill"], outcomes["csvmill"], strict=True):
        if options.show and found == options.show:
            print(f"{known}\n    {reading}", file=sys.stderr)
    silent = {
        known.dirt
        for known, found in zip(files, outcomes["csvmill"], strict=True)
        if found == "wrong"
    }
    return 1 if silent - NOT_TOLD.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
