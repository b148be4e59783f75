"""Runs each row: all engines one after the other, several times, each in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil

from benchmarks.engines import data
from benchmarks.engines.result import Content, bytes_digest, content
from benchmarks.engines.rows import KINDS, ROWS
from benchmarks.engines.task import Answer, Task

if TYPE_CHECKING:
    from benchmarks.engines.rows import Row, Variant

CODE = Path(__file__).parents[2]
KERNEL, OTHER = "csvmill", "csvmill, other"
"""The kernel in the table, and the variant of it that a row compares it with."""
PEERS = {"duckdb": "DuckDB", "polars": "Polars", "datafusion": "DataFusion", "chdb": "chDB"}
"""The name of each peer in the table, by the name of its package and of its module here."""
TOLERANCE = 1.05
"""How much of its budget an engine may use."""
TIMEOUT = 1800.0
"""Seconds for one run."""
LOOK = 0.05
"""Seconds between two looks at the memory of a process."""


@dataclass
class Measured:
    """The runs of one engine at one row."""

    answers: list[Answer] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)
    """The different results, by the digests of their bytes."""

    @property
    def failure(self) -> str:
        """Why a run failed; empty if none did."""
        return next((answer.failure for answer in self.answers if answer.failure), "")

    @property
    def seconds(self) -> float:
        """The median."""
        return median(answer.seconds for answer in self.answers)

    @property
    def memory(self) -> int:
        """The highest peak in bytes."""
        return max(answer.memory for answer in self.answers)


@dataclass
class Measurement:
    """A row, and its engines by their names in the table."""

    row: Row
    engines: dict[str, Measured]

    @property
    def groups(self) -> int | None:
        """The number of rows of the kernel's result, before the limit."""
        return self.engines[KERNEL].answers[0].groups

    def differs(self, name: str) -> bool:
        """Whether an engine has another result than the kernel."""
        right = next(iter(self.engines[KERNEL].contents.values()))
        return not all(right.same(found) for found in self.engines[name].contents.values())


@dataclass(frozen=True)
class Runner:
    """Runs rows."""

    folder: Path
    """Has the files, and the results while they are compared."""
    size: int
    """Of the files, in MB."""
    runs: int
    kernel: Path
    peers: list[str]
    python: Path
    """The interpreter that has the peers."""

    def measure(self, name: str) -> Measurement:
        """Run the row `name`."""
        row = ROWS[name]
        file = data.FILES[row.file]
        source = data.written(row.file, row.rows or file.rows * self.size // data.FULL, self.folder)
        if row.gzip:
            source = data.zipped(source)
        engines = {KERNEL: row.kernel}
        if row.other is not None:
            engines[OTHER] = row.other
        elif row.most is None:
            engines |= dict.fromkeys(self.peers, row.kernel)
        measurement = Measurement(row, {name: Measured() for name in engines})
        contents: dict[str, Content] = {}
        _warm(source)
        for _ in range(self.runs):
            for engine, variant in engines.items():
                if measurement.engines[engine].failure:
                    continue
                with tempfile.TemporaryDirectory(prefix="run-", dir=self.folder) as scratch:
                    result = Path(scratch, "result.csv")
                    answer = self._run(engine, _task(row, variant, source, result, self.kernel))
                    measured = measurement.engines[engine]
                    measured.answers.append(answer)
                    if not answer.failure:
                        found = bytes_digest(result)
                        if found not in contents:
                            contents[found] = content(result, KINDS[row.query])
                        measured.contents[found] = contents[found]
                    _tell(name, engine, answer)
                if answer.failure and engine in (KERNEL, OTHER):
                    raise RuntimeError(f"the kernel failed at the row {name}: {answer.failure}")
        return measurement

    def _run(self, engine: str, task: Task) -> Answer:
        """Run one engine once."""
        if engine in (KERNEL, OTHER):
            command = [sys.executable, "-m", "benchmarks.engines.kernel", task.encode()]
        else:
            command = [str(self.python), "-m", f"benchmarks.engines.peers.{engine}", task.encode()]
        Path(task.scratch).mkdir()
        process = subprocess.Popen(
            command, cwd=CODE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        bound = int(task.memory * TOLERANCE) if task.tight else None
        watch = _Watch(process.pid, bound)
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Answer(failure=f"not done after {TIMEOUT:.0f} s")
        finally:
            watch.stop()
            shutil.rmtree(task.scratch)
        if watch.exceeded:
            return Answer(failure=f"over {task.memory >> 20:,} MiB")
        if process.returncode != 0:
            said = (errors or output).strip().splitlines() or [""]
            return Answer(failure=said[-1][:200] or f"ended with status {process.returncode}")
        return Answer(**json.loads(output.splitlines()[-1]))


class _Watch:
    """Kills a process when its resident memory exceeds `bound`, if there is one."""

    def __init__(self, pid: int, bound: int | None) -> None:
        self.exceeded = False
        self._bound = bound
        self._process = psutil.Process(pid)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while self._bound is not None and not self._stopped.wait(LOOK):
            try:
                if self._process.memory_info().rss > self._bound:
                    self._process.kill()
                    self.exceeded = True
                    return
            except psutil.NoSuchProcess:
                return


def _task(row: Row, variant: Variant, source: Path, result: Path, kernel: Path) -> Task:
    return Task(
        str(source),
        str(result),
        data.FILES[row.file].columns,
        line_ends=row.file == "quoted",
        query=row.query,
        memory=row.memory,
        tight=row.tight,
        scratch=str(result.with_name("scratch")),
        threads=variant.threads,
        pipe=variant.pipe,
        repeat=variant.repeat,
        program=str(kernel),
    )


def _warm(path: Path) -> None:
    """Read a file, so that it is in memory for the first engine too."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def _tell(row: str, engine: str, answer: Answer) -> None:
    outcome = answer.failure or f"{answer.seconds:.3f} s, {answer.memory >> 20} MiB"
    print(f"{row}: {engine}: {outcome}", file=sys.stderr, flush=True)
