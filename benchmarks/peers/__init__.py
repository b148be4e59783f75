"""Other tools for the same task, each run in its own process and timed from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def bare_duckdb(source: Path, target: Path) -> float:
    """Return the seconds of a plain DuckDB query with given types, including interpreter start."""
    return _seconds("benchmarks.peers.bare_duckdb", source, target)


def csv_module(source: Path, target: Path) -> float:
    """Return the seconds of a script with the `csv` module and a dict, as the first users ran."""
    return _seconds("benchmarks.peers.csv_module", source, target)


def _seconds(module: str, source: Path, target: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", module, str(source), str(target)], check=True)
    return time.perf_counter() - started
