"""The task of an engine, and its answer: a JSON object each, as argument and as last line."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Task:
    """An aggregation of a file."""

    source: str
    result: str
    """The path of the CSV file that is to be written."""
    columns: dict[str, str]
    """The columns of the file and their kinds (see `benchmarks.engines.data`)."""
    line_ends: bool
    """Whether cells of the file contain line ends."""
    query: str
    """A name in `benchmarks.engines.rows.SPECS`."""
    memory: int
    """The budget in bytes."""
    tight: bool
    """Whether the data exceed the budget."""
    scratch: str
    """An empty folder for temporary files."""
    threads: int = 2
    pipe: bool = False
    """Whether the kernel reads the file from a pipe."""
    repeat: int = 1
    """How often the kernel runs; the time is the median."""
    program: str = ""
    """The path of the kernel."""

    def encode(self) -> str:
        """Return it as the argument of a program."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Answer:
    """How an engine fared."""

    seconds: float = 0.0
    memory: int = 0
    """Peak of resident memory in bytes."""
    groups: int | None = None
    failure: str = ""

    def encode(self) -> str:
        """Return it as the last line of a program's output."""
        return json.dumps(asdict(self))


def own_peak() -> int:
    """Return the peak of the resident memory of this process in bytes."""
    # Not `ru_maxrss`, which starts with the memory of the parent process.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) << 10


def run_peer(query: Callable[[Task], object]) -> None:
    """Run `query`, a peer's, with the task of this program, and answer. Imports are done by now."""
    task = Task(**json.loads(sys.argv[1]))
    started = time.perf_counter()
    query(task)
    answer = Answer(time.perf_counter() - started, own_peak())
    sys.stdout.write(answer.encode() + "\n")
    sys.stdout.flush()
    # What an engine does when it is unloaded is no part of the work.
    os._exit(0)
