"""The child processes of the native engine: how they end, and what they get."""

from __future__ import annotations

import asyncio
import gzip
import os
import select
import signal
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processor.engines import kernel_run
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Dialect
from shared.errors import AttemptFailed, MalformedInput
from shared.jobs.job import SONG_PLAYS
from shared.jobs.report import Report, report_of
from tests.contract.engines.sources import StalledSource, StreamSource

if TYPE_CHECKING:
    from processor.engines.port import EngineProgress, Source

HEADER = b"Song,Date,Plays\n"
ROOT = Path(__file__).parents[4]
OUT_OF_MEMORY = "out of memory: the limit of a job is {} MiB (CSVMILL_MEMORY_LIMIT)"


@cache
def several_blocks() -> bytes:
    """Return a file that the kernel reads in several blocks."""
    return HEADER + b"".join(b"a,b,%d\n" % number for number in range(500_000))


def children(of: bytes = b"csvmill-kernel") -> set[int]:
    """The process ids of this process's children with this in their command."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in map(int, (task / "children").read_text().split()):
            if of in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def leftovers(scratch: Path) -> list[Path]:
    return list(scratch.iterdir())


def report_in(error: AttemptFailed | MalformedInput) -> Report:
    report = report_of(error)
    assert report is not None
    return report


async def running_kernel(
    scratch: Path, source: Source | None = None, limits: EngineLimits | None = None
) -> tuple[asyncio.Task[object], int]:
    """An aggregation that waits for more bytes, and its running kernel."""
    begun = asyncio.Event()
    before = children()

    def progress(latest: EngineProgress) -> None:
        if latest.rows:
            begun.set()

    running = asyncio.create_task(
        NativeEngine(limits).aggregate(
            SONG_PLAYS, [source or StalledSource(several_blocks())], scratch, progress
        )
    )
    await asyncio.wait_for(begun.wait(), 30)
    (child,) = children() - before
    return running, child


def niceness_of_threads(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in tasks}


@pytest.mark.parametrize("nice", [0, 10])
async def test_all_threads_of_all_children_are_as_nice_as_the_limits_say(
    tmp_path: Path, nice: int
) -> None:
    source = StalledSource(gzip.compress(several_blocks()))
    running, kernel = await running_kernel(tmp_path, source, EngineLimits(nice=nice, threads=2))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        for pid in (kernel, *children(b"processor.engines.decompressor")):
            assert niceness_of_threads(pid) == {own + nice}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_kernel_that_is_killed_fails_the_attempt_and_says_by_what(tmp_path: Path) -> None:
    running, kernel = await running_kernel(tmp_path)

    os.kill(kernel, signal.SIGKILL)

    with pytest.raises(AttemptFailed, match=r"was killed by SIGKILL \(signal 9\)") as failed:
        await running
    report = report_in(failed.value)
    assert report.unfinished
    assert report.dialect == Dialect()
    assert report.peak_memory > 1 << 20
    assert leftovers(tmp_path) == []


async def test_a_decompressor_that_is_killed_fails_the_attempt(tmp_path: Path) -> None:
    running, kernel = await running_kernel(tmp_path, StalledSource(gzip.compress(several_blocks())))
    (decompressor,) = children(b"processor.engines.decompressor")

    os.kill(decompressor, signal.SIGKILL)

    with pytest.raises(AttemptFailed, match=r"was killed by SIGKILL \(signal 9\)"):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("compressed", [False, True])
async def test_cancelling_kills_and_reaps_all_children(tmp_path: Path, compressed: bool) -> None:
    data = gzip.compress(several_blocks()) if compressed else several_blocks()
    before = children(b"")
    running, _ = await running_kernel(tmp_path, StalledSource(data))
    started = children(b"") - before
    assert len(started) == 1 + compressed

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    for child in started:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


async def test_a_kernel_dies_with_its_parent_even_by_sigkill(tmp_path: Path) -> None:
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


async def test_a_kernel_that_cannot_start_fails_the_attempt_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(engine: NativeEngine) -> str:
        with pytest.raises(AttemptFailed) as failed:
            await engine.aggregate(SONG_PLAYS, [StreamSource(HEADER)], tmp_path, lambda _: None)
        assert leftovers(tmp_path) == []
        return str(failed.value)

    assert "No such file" in await fail(NativeEngine(program=tmp_path / "no-such-kernel"))
    broken = NativeEngine(program=Path("/bin/false"))
    assert await fail(broken) == "the engine's process ended with status 1: it wrote no error"
    monkeypatch.setattr(kernel_run, "PROGRAM", "no-such-kernel")
    kernel_run.kernel_program.cache_clear()
    assert await fail(NativeEngine()) == "no-such-kernel is not installed: install csvmill again"


async def test_children_get_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_DATABASE_URL", "postgresql://user:password@host/db")
    source = StalledSource(gzip.compress(several_blocks()))
    running, kernel = await running_kernel(tmp_path, source)
    (decompressor,) = children(b"processor.engines.decompressor")

    environments = environment_of(kernel) + environment_of(decompressor)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert b"password" not in environments
    assert b"PATH" in environments


async def test_a_long_bad_record_is_shortened_in_the_error(tmp_path: Path) -> None:
    rows = b"a,b,1\n" * 1000 + b"a,b,1," + b"\1" * 200_000 + b"\n"

    with pytest.raises(MalformedInput, match=r"line 1002, column 4: found 4") as caught:
        await NativeEngine().aggregate(
            SONG_PLAYS, [StreamSource(HEADER + rows)], tmp_path, lambda _progress: None
        )

    assert len(str(caught.value)) < 1000


async def test_a_kernel_that_exceeds_its_memory_ends_with_the_reason(tmp_path: Path) -> None:
    # Given less memory than the code needs
    limits = EngineLimits()
    object.__setattr__(limits, "memory", 1 << 20)

    with pytest.raises(AttemptFailed) as failed:
        await NativeEngine(limits).aggregate(
            SONG_PLAYS, [StalledSource(several_blocks())], tmp_path, lambda _progress: None
        )

    assert str(failed.value) == OUT_OF_MEMORY.format(1)
    assert report_in(failed.value).peak_memory > 1 << 20


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08 damaged", b"\xff\xfe\0\0U\0\0\0"])
async def test_an_unread_file_has_neither_dialect_nor_rows_in_the_report(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(MalformedInput) as refused:
        await NativeEngine().aggregate(SONG_PLAYS, [StreamSource(data)], tmp_path, lambda _: None)

    report = report_in(refused.value)
    assert report.bytes_in == len(data)
    assert (report.dialect, report.unfinished) == (None, True)


async def test_an_archive_that_is_damaged_at_its_end_has_no_rows_in_the_report(
    tmp_path: Path,
) -> None:
    data = gzip.compress(several_blocks())[:-1]

    with pytest.raises(MalformedInput, match="is incomplete") as refused:
        await NativeEngine().aggregate(SONG_PLAYS, [StreamSource(data)], tmp_path, lambda _: None)

    report = report_in(refused.value)
    assert report.unfinished
    assert report.dialect == Dialect(compression="gzip")


def test_invalid_limits_are_refused() -> None:
    for wrong in ({"memory": 1 << 20}, {"scratch": 0}, {"threads": 0}, {"time_limit": 0.0}):
        with pytest.raises(ValueError, match=r"memory|scratch|thread|time"):
            EngineLimits(**wrong)


async def test_the_median_of_more_values_than_fit_in_memory_stays_within_the_limit(
    tmp_path: Path,
) -> None:
    engine = NativeEngine(EngineLimits(memory=256 << 20))
    count = 3_000_000
    numbers = [n * 7919 % (count + 3) for n in range(count)]
    rows = b"".join(b"a,%d,%d\n" % (n, n) for n in numbers)
    aggregation = Aggregation(
        group_by=(GroupColumn(1),),
        aggregates=(
            Aggregate("median", 3, "median", "number"),
            Aggregate("count_distinct", 2, "dates", "text"),
        ),
    )

    output = await engine.aggregate(
        aggregation, [StreamSource(HEADER + rows, piece=1 << 20)], tmp_path, lambda _progress: None
    )

    middle = sorted(numbers)[count // 2 - 1 : count // 2 + 1]
    median = Decimal(sum(middle)) / 2
    assert output.path.read_text() == f"Song,median,dates\na,{median.normalize():f},{count}\n"
    assert output.report.peak_memory <= 256 << 20


async def test_the_report_names_the_engine(tmp_path: Path) -> None:
    output = await NativeEngine().aggregate(
        SONG_PLAYS, [StreamSource(HEADER + b"a,b,1\n")], tmp_path, lambda _progress: None
    )

    assert (output.report.engine, output.report.plan) == ("kernel", "exact")


async def test_the_report_names_what_confines_the_kernel(tmp_path: Path) -> None:
    running, pid = await running_kernel(tmp_path)
    status = status_of(pid)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    source = StreamSource(HEADER + b"a,b,1\n")
    output = await NativeEngine().aggregate(SONG_PLAYS, [source], tmp_path, lambda _: None)

    named = output.report.confinement
    assert {"rlimits", "no_new_privs"} <= set(named)
    assert ("seccomp" in named) == (status["Seccomp"] == "2")
    assert ("no_new_privs" in named) == (status["NoNewPrivs"] == "1")
