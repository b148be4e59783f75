"""Progress is recorded while an attempt runs, and never delays it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from processor.attempt.progress import ProgressRecorder
from processor.engines.port import EngineProgress
from processor.settings import WorkSettings
from shared.errors import DatabaseUnavailable
from shared.jobs.job import JobProgress, JobState
from tests.forwarding import Forwarding

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.job import Job
    from tests.unit.processor.conftest import Rig

INTERVAL = 0.01


class ScriptedStore(Forwarding):
    """A job store that raises the next of `errors`, or records the progress."""

    def __init__(self, jobs: Any = None) -> None:
        super().__init__(jobs)
        self.recorded: list[JobProgress] = []
        self.errors: list[Exception] = []
        self.lease_held = True
        self.calls = 0
        self._changed = asyncio.Event()

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        self.calls += 1
        try:
            if self.errors:
                raise self.errors.pop(0)
            if self._behind is not None:
                self.lease_held = await self._behind.record_progress(job_id, attempt, progress)
            self.recorded.append(progress)
            return self.lease_held
        finally:
            self._changed.set()

    async def next_call(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(10):
            await self._changed.wait()


@pytest.fixture
async def job(rig: Rig) -> Job:
    job = await rig.job()
    claimed = await rig.jobs.claim(job.id, worker="w", lease_until=1e12, now=1.0)
    assert claimed is not None
    return claimed


async def test_only_the_latest_of_several_reports_is_recorded(job: Job) -> None:
    store = ScriptedStore()
    record = ProgressRecorder(store, job, INTERVAL)
    keeping = asyncio.create_task(record.run())
    for done in range(100):
        record.update(EngineProgress(done, 1000, rows=done // 10))
    await store.next_call()
    record.update(EngineProgress(99, 1000, rows=9))
    await asyncio.sleep(3 * INTERVAL)
    record.update(EngineProgress(500, 1000))
    await store.next_call()
    keeping.cancel()
    assert [(p.bytes_done, p.rows_done) for p in store.recorded] == [(99, 9), (500, None)]


async def test_an_outage_of_the_database_only_delays_the_record(job: Job) -> None:
    store = ScriptedStore()
    store.errors = [DatabaseUnavailable("away"), DatabaseUnavailable("away")]
    record = ProgressRecorder(store, job, INTERVAL)
    keeping = asyncio.create_task(record.run())
    record.update(EngineProgress(7, 10))
    async with asyncio.timeout(10):
        while not store.recorded:
            await store.next_call()
    keeping.cancel()
    assert store.calls == 3
    assert store.recorded[0].bytes_done == 7


async def test_recording_ends_when_the_attempt_no_longer_holds_the_job(rig: Rig, job: Job) -> None:
    store = ScriptedStore(rig.jobs)
    record = ProgressRecorder(store, job, INTERVAL)
    await rig.jobs.cancel(job.id, now=2.0)
    record.update(EngineProgress(7, 10))
    async with asyncio.timeout(10):
        await record.run()
    after = await rig.jobs.get(job.id)
    assert (after.state, after.progress) == (JobState.REVOKED, None)


async def test_the_rate_starts_again_when_the_input_is_read_again(job: Job) -> None:
    store = ScriptedStore()
    times = iter([0.0, 1.0, 2.0, 3.0, 4.0])
    record = ProgressRecorder(store, job, INTERVAL, clock=lambda: next(times))
    keeping = asyncio.create_task(record.run())
    for done in (100, 300, 20, 60):  # from the third on, the file is read again
        record.update(EngineProgress(done, 1000))
        await store.next_call()
    keeping.cancel()
    assert [p.rate for p in store.recorded] == [100.0, 150.0, None, 40.0]


async def test_a_running_attempt_shows_its_progress_and_the_next_starts_without(
    rig: Rig,
) -> None:
    rig.settings = WorkSettings(
        progress_interval=INTERVAL, retry_delay=0, scratch_dir=rig.settings.scratch_dir
    )
    job = await rig.job()
    store = ScriptedStore(rig.jobs)
    rig.engine.may_finish.clear()
    worker = rig.worker(store)
    running = asyncio.create_task(worker.handle(rig.delivery(job)))
    await rig.engine.started.wait()
    rig.engine.report(EngineProgress(11, 40, rows=1, rows_estimated=True))
    await store.next_call()
    while not store.recorded:
        await store.next_call()
    shown = (await rig.jobs.get(job.id)).progress
    assert shown is not None
    assert (shown.bytes_done, shown.rows_done, shown.rows_estimated) == (11, 1, True)
    await worker.stop()
    await running
    again = await rig.jobs.claim(job.id, worker="w", lease_until=1e12, now=1e11)
    assert again is not None
    assert (again.attempt, again.progress) == (2, None)


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), RuntimeError("a defect")])
async def test_an_attempt_succeeds_although_its_progress_cannot_be_recorded(
    rig: Rig, error: Exception
) -> None:
    rig.settings = WorkSettings(progress_interval=INTERVAL, scratch_dir=rig.settings.scratch_dir)
    job = await rig.job()
    store = ScriptedStore(rig.jobs)
    store.errors = [error]
    rig.engine.may_finish.clear()
    running = asyncio.create_task(rig.worker(store).handle(rig.delivery(job)))
    await rig.engine.started.wait()
    rig.engine.report(EngineProgress(11, 40))
    await store.next_call()
    rig.engine.may_finish.set()
    await running
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS
