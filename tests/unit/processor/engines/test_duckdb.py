"""The child process and the choice of the plan, which are particular to the DuckDB engine."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processor.engines import duckdb_child
from processor.engines.child_process import child_process
from processor.engines.duckdb import CHILD, DuckDBEngine
from processor.engines.plan import ProgressProbe
from processor.engines.port import SCRATCH, EngineLimits
from processor.engines.protocol import (
    RESULT_NAME,
    Finished,
    Plan,
    Refused,
    Task,
    decode_event,
)
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.errors import AttemptFailed, MalformedInput
from shared.jobs.job import SONG_PLAYS
from shared.jobs.report import Rows, report_of
from tests.contract.engine_sources import StalledSource, StreamSource

if TYPE_CHECKING:
    from processor.engines.port import Source

HEADER = b"Song,Date,Plays\n"
ROOT = Path(__file__).parents[4]
OUT_OF_MEMORY = "out of memory: the limit of a job is {} MiB (CSVMILL_MEMORY_LIMIT)"


def children() -> set[int]:
    """The process ids of this process's children that run an engine."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in map(int, (task / "children").read_text().split()):
            if b"duckdb_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def leftovers(scratch: Path) -> list[Path]:
    return list(scratch.iterdir())


async def running_child(
    scratch: Path, engine: DuckDBEngine | None = None, source: Source | None = None
) -> tuple[asyncio.Task[object], int]:
    """An aggregation that waits for more bytes, and its running child process."""
    begun = asyncio.Event()
    before = children()
    running = asyncio.create_task(
        (engine or DuckDBEngine()).aggregate(
            SONG_PLAYS,
            source or StalledSource(HEADER + b"a,b,1\n" * 1000),
            scratch,
            lambda _progress: begun.set(),
        )
    )
    await asyncio.wait_for(begun.wait(), 30)
    (child,) = children() - before
    return running, child


@pytest.mark.parametrize("exact_below", [0, 1 << 40], ids=["fast", "exact"])
async def test_a_child_that_is_killed_fails_the_attempt_and_says_by_what(
    tmp_path: Path, exact_below: int
) -> None:
    running, child = await running_child(tmp_path, DuckDBEngine(exact_below=exact_below))

    os.kill(child, signal.SIGKILL)

    with pytest.raises(AttemptFailed, match=r"was killed by SIGKILL \(signal 9\)") as failed:
        await running
    report = report_of(failed.value)
    assert report is not None
    assert report.unfinished
    assert (report.plan, report.peak_memory > 1 << 20) == ("exact" if exact_below else "fast", True)
    assert leftovers(tmp_path) == []


async def test_cancelling_kills_the_child_and_reaps_it(tmp_path: Path) -> None:
    running, child = await running_child(tmp_path)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


async def test_a_child_dies_with_its_parent_even_by_sigkill(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.processor.engines.stalled_parent", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    descriptor = os.pidfd_open(child)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        assert ended.poll(0) == []

        parent.kill()
        await parent.wait()

        assert await asyncio.to_thread(ended.poll, 30_000) != []
    finally:
        os.close(descriptor)


async def test_a_child_that_cannot_start_fails_the_attempt_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.engines.duckdb.CHILD", "processor.engines.no_such_child")

    with pytest.raises(AttemptFailed, match=r"status 1: .*no_such_child"):
        await DuckDBEngine().aggregate(
            SONG_PLAYS, StreamSource(HEADER), tmp_path, lambda _progress: None
        )


@pytest.mark.parametrize("exact_below", [0, 1 << 40], ids=["fast", "exact"])
async def test_a_child_that_cannot_measure_its_memory_exits_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact_below: int
) -> None:
    blind = "tests.unit.processor.engines.blind_child"
    monkeypatch.setattr("processor.engines.duckdb.CHILD", blind)
    source = StalledSource(HEADER + b"a,b,1\n" * 1000)

    with pytest.raises(AttemptFailed, match="status 1: ValueError: no memory to be seen"):
        await DuckDBEngine(exact_below=exact_below).aggregate(
            SONG_PLAYS, source, tmp_path, lambda _progress: None
        )


async def test_the_child_gets_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_DATABASE_URL", "postgresql://user:password@host/db")
    running, child = await running_child(tmp_path)

    environment = environment_of(child)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert b"password" not in environment
    assert b"PYTHONPATH" in environment


async def test_an_inconclusive_file_is_read_again_by_the_exact_plan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "processor.engines.duckdb")
    source = StreamSource(HEADER + b"a,b,1\n\na,b,2\n")

    output = await DuckDBEngine(exact_below=0).aggregate(
        SONG_PLAYS, source, tmp_path, lambda _progress: None
    )

    assert output.path.read_bytes().endswith(b"\na,b,3\n")
    assert source.opened == 2
    assert "using the exact plan" in caplog.text


def task(plan: str, path: Path, memory: int = 1 << 30) -> Task:
    return Task(
        plan=plan,  # type: ignore[arg-type]
        aggregation=SONG_PLAYS,
        path=str(path),
        size=path.stat().st_size,
        memory=memory,
        scratch=SCRATCH,
        threads=2,
    )


@pytest.mark.parametrize("plan", ["fast", "exact"])
def test_a_full_disk_fails_the_attempt_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: str
) -> None:
    (tmp_path / "input").write_bytes(HEADER + b"a,b,1\n")
    monkeypatch.chdir(tmp_path)
    Path(RESULT_NAME).symlink_to("/dev/full")

    outcome = duckdb_child.run(task(plan, tmp_path / "input"), ProgressProbe())

    assert isinstance(outcome, Refused)
    assert outcome.kind == "failed"
    assert "the disk is full" in outcome.reason


@pytest.mark.parametrize("plan", ["fast", "exact"])
def test_both_plans_report_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: str
) -> None:
    (tmp_path / "input").write_bytes(HEADER + b"a,b,1\na,b,2\n")
    monkeypatch.chdir(tmp_path)
    probe = ProgressProbe()

    outcome = duckdb_child.run(task(plan, tmp_path / "input"), probe)

    assert isinstance(outcome, Finished)
    assert probe.rows() == (2, False)
    report = outcome.report
    assert (report.rows, report.groups, report.bytes_out) == (Rows(2), 1, outcome.size)
    assert (outcome.size, report.plan) == (47, plan)


async def test_a_long_bad_record_is_shortened_in_the_error_and_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a long record that DuckDB quotes in its error, and whose bytes JSON escapes
    caplog.set_level("INFO", "processor.engines.duckdb")
    rows = b"a,b,1\n" * 1000 + b"a,b,1," + b"\1" * 200_000 + b"\n"

    with pytest.raises(MalformedInput, match=r"line 1002, column 4: found 4") as caught:
        await DuckDBEngine(exact_below=0).aggregate(
            SONG_PLAYS, StreamSource(HEADER + rows), tmp_path, lambda _progress: None
        )

    assert len(str(caught.value)) < 1000
    (logged,) = [record.getMessage() for record in caplog.records]
    assert "InvalidInputException" in logged
    assert len(logged) < 1000


async def ending(task: Task, folder: Path) -> tuple[Refused, int]:
    """Return the last event and the exit status of a child that never gets its whole source."""
    async with child_process(CHILD, task.encode(), folder) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(HEADER + b"a,b,1\n" * 1000)
        async with asyncio.timeout(30):
            events = [decode_event(line) async for line in child.stdout]
            status = await child.wait()
    outcome = events[-1]
    assert isinstance(outcome, Refused)
    return outcome, status


@pytest.mark.parametrize(("plan", "why"), [("fast", "inconclusive"), ("exact", "failed")])
async def test_a_child_that_exceeds_its_memory_exits_with_the_reason(
    tmp_path: Path, plan: Plan, why: str
) -> None:
    # Given less memory than Python needs to start
    given = Task(plan, SONG_PLAYS, None, 1 << 30, memory=8 << 20, scratch=SCRATCH, threads=2)

    outcome, status = await ending(given, tmp_path)

    assert (outcome.kind, status) == (why, 0)
    assert outcome.reason == OUT_OF_MEMORY.format(8)
    assert outcome.report.peak_memory > 8 << 20


def test_an_allocation_that_fails_fails_the_attempt_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "input").write_bytes(HEADER + b"a,b,1\n")
    monkeypatch.chdir(tmp_path)

    def refuse(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(os, "read", refuse)

    outcome = duckdb_child.run(task("exact", tmp_path / "input"), ProgressProbe())

    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.reason) == ("failed", OUT_OF_MEMORY.format("1,024"))


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08 damaged", b"\xff\xfe\0\0U\0\0\0"])
def test_an_unread_file_has_neither_dialect_nor_rows_in_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    (tmp_path / "input").write_bytes(data)
    monkeypatch.chdir(tmp_path)

    outcome = duckdb_child.run(task("exact", tmp_path / "input"), ProgressProbe())

    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.report.bytes_in) == ("malformed", len(data))
    assert (outcome.report.dialect, outcome.report.unfinished) == (None, True)


def test_invalid_limits_are_refused() -> None:
    for wrong in ({"memory": 1 << 20}, {"scratch": 0}, {"threads": 0}, {"time_limit": 0.0}):
        with pytest.raises(ValueError, match=r"memory|scratch|thread|time"):
            EngineLimits(**wrong)


async def test_the_median_of_more_values_than_fit_in_memory_stays_within_the_limit(
    tmp_path: Path,
) -> None:
    # Given more different values than the exact plan may hold in memory
    engine = DuckDBEngine(EngineLimits(memory=256 << 20))
    numbers = [n * 7919 % 200_003 for n in range(200_000)]
    rows = b"".join(b"a,%d,%d\n" % (n, n) for n in numbers)
    aggregation = Aggregation(
        group_by=(GroupColumn(1),),
        aggregates=(
            Aggregate("median", 3, "median", "number"),
            Aggregate("count_distinct", 2, "dates", "text"),
        ),
    )

    output = await engine.aggregate(
        aggregation, StreamSource(HEADER + rows, piece=1 << 20), tmp_path, lambda _progress: None
    )

    median = Decimal(sum(sorted(numbers)[99_999:100_001])) / 2
    assert output.path.read_text() == f"Song,median,dates\na,{median.normalize():f},200000\n"
    assert output.report.plan == "exact"


async def test_the_report_names_the_plan(tmp_path: Path) -> None:
    outputs = [
        await DuckDBEngine(exact_below=size).aggregate(
            SONG_PLAYS, StreamSource(HEADER + b"a,b,1\n"), tmp_path, lambda _progress: None
        )
        for size in (0, 1 << 40)
    ]

    assert [output.report.plan for output in outputs] == ["fast", "exact"]
