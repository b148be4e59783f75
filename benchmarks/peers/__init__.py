"""What people would use instead, each run in a process of its own and timed from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def bare_duckdb(source: Path, target: Path) -> float:
    """Seconds that DuckDB's own query takes, interpreter start included, types given."""
    return _seconds("benchmarks.peers.bare_duckdb", source, target)


def csv_module(source: Path, target: Path) -> float:
    """Seconds that the `csv` module with a dict takes: what the first users ran."""
    return _seconds("benchmarks.peers.csv_module", source, target)


def _seconds(module: str, source: Path, target: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", module, str(source), str(target)], check=True)
    return time.perf_counter() - started
