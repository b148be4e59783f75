"""Runs the plans in the process of the test."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines import exact_plan, fast_plan
from processor.engines.port import SCRATCH
from processor.engines.protocol import RESULT_NAME
from processor.engines.rejects import Problems, RejectsFile
from processor.engines.result_file import begin_result
from shared.jobs.job import SONG_PLAYS, Aggregation
from tests.oracle import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processor.engines.result_file import Result
    from shared.aggregation.resolve import Query
    from shared.jobs.report import Report


MEMORY = 256 << 20


def run_exact(
    data: bytes,
    aggregation: Aggregation = SONG_PLAYS,
    *,
    block: int = 1 << 20,
    memory: int = MEMORY,
) -> Expected:
    """Run the exact plan, which reads `block` bytes at a time; return what it wrote and counted."""
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    with tempfile.TemporaryDirectory() as folder:
        with RejectsFile(Path(folder) / "rejects") as rejects:
            problems = Problems(rejects if aggregation.input.on_bad_row == "skip" else None)
            found = _collect(
                Path(folder),
                lambda begin: exact_plan.run(
                    aggregation, blocks, begin, Path(folder), memory, problems
                ),
            )
        if not rejects.size:
            return found
        written = (Path(folder) / "rejects").read_bytes()
        assert rejects.size == len(written)
        assert rejects.sha256 == hashlib.sha256(written).hexdigest()
        return found._replace(rejects=written)


def run_fast(
    data: bytes,
    aggregation: Aggregation = SONG_PLAYS,
    *,
    csv_buffer: int | None = None,
    stream: bool = False,
    memory: int = MEMORY,
    scratch: int = SCRATCH,
) -> Expected:
    """Run the fast plan, on a pipe if `stream`; return its result and counts."""
    resources = fast_plan.Resources(memory, scratch, threads=2, csv_buffer=csv_buffer)
    with (
        tempfile.TemporaryDirectory() as folder,
        _open_pipe(data) if stream else _open_file(data) as descriptor,
        contextlib.chdir(folder),
    ):
        return _collect(
            Path(),
            lambda begin: fast_plan.run(aggregation, descriptor, len(data), begin, resources),
        )


def _collect(folder: Path, run: Callable[[Callable[[Query], Result]], Report]) -> Expected:
    path = folder / RESULT_NAME
    results: list[Result] = []

    def begin(query: Query) -> Result:
        results.append(begin_result(path, query, MEMORY // 2, SCRATCH))
        return results[-1]

    try:
        report = run(begin)
        (result,) = results
        result.finish()
        content = path.read_bytes()
        assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        aggregated, filtered, rejected = astuple(report.rows)
        return Expected(content, (aggregated, filtered, rejected), report.groups)
    finally:
        for result in results:
            result.close()


@contextlib.contextmanager
def _open_file(data: bytes) -> Iterator[int]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        yield file.fileno()


@contextlib.contextmanager
def _open_pipe(data: bytes) -> Iterator[int]:
    reading, writing = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield reading
    finally:
        os.close(reading)
        writer.join()
