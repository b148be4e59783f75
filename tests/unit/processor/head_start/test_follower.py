"""Uploads are aggregated while they are received, and their jobs use that."""

from __future__ import annotations

import asyncio
import gzip
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from processor.attempt.run import JobRun
from processor.events import ProcessorEvents
from processor.head_start import follower as module
from processor.head_start.follower import Follower
from processor.head_start.hand_over import HandOver
from processor.worker import HEAD_START_WAIT, Worker
from shared.access.tenant import Tenant
from shared.blobs.blob import upload_key
from shared.errors import AttemptFailed, MalformedInput
from shared.jobs.job import Job, JobState
from shared.ports import Ports
from shared.uploads.keys import key_of
from shared.uploads.metadata import COMPLETION, EXPLICIT
from tests.services import until
from tests.unit.processor.conftest import INPUT, OUTPUT, once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from tests.unit.processor.conftest import Rig

HALF = len(INPUT) // 2


@dataclass
class Processor:
    """A worker with a follower, on the adapters of a rig."""

    rig: Rig
    follower: Follower
    worker: Worker

    async def offered(self, **metadata: str) -> UUID:
        """Return an upload of which half has arrived, once it is followed."""
        upload_id = await begun(self.rig, **metadata)
        await self.rig.engine.started.wait()
        return upload_id

    async def job(self, upload_id: UUID, *states: JobState) -> Job:
        """Return the job of an upload, once it is in one of the states."""

        async def found() -> bool:
            job = await self.rig.jobs.of_upload(upload_id)
            return job is not None and job.state in states

        await until(found)
        job = await self.rig.jobs.of_upload(upload_id)
        assert job is not None
        return job

    async def ended(self, upload_id: UUID) -> None:
        """Return when the upload is not held any more."""

        async def over() -> bool:
            head_start = await self.rig.jobs.head_starts.of_upload(upload_id)
            return head_start is None or head_start.held_until is None

        await until(over)


async def begun(rig: Rig, **metadata: str) -> UUID:
    """Return an upload of which half has arrived, and that is offered."""
    upload_id = uuid4()
    await rig.blobs.create(upload_key(upload_id), len(INPUT), metadata=metadata)
    await rig.blobs.write(upload_key(upload_id), 0, once(INPUT[:HALF]))
    await rig.jobs.head_starts.offer(upload_id, now=time.time())
    return upload_id


async def finish(rig: Rig, upload_id: UUID) -> None:
    await rig.blobs.write(upload_key(upload_id), HALF, once(INPUT[HALF:]))


async def result_of(rig: Rig, job: Job) -> bytes:
    assert job.result is not None
    async with rig.blobs.open(job.result.key) as pieces:
        return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def processor(rig: Rig, **settings: Any) -> AsyncIterator[Processor]:
    rig.settings = rig.settings.model_copy(update={"head_start_interval": 0.01, **settings})
    ports = Ports(rig.blobs, rig.jobs, rig.bus)
    events = ProcessorEvents.uncounted()
    follower = Follower(
        rig.jobs.head_starts,
        rig.blobs,
        rig.engine,
        rig.scratch,
        rig.settings,
        events=events,
        name="tester",
    )
    job_run = JobRun(rig.blobs, rig.engine, rig.scratch, follower)
    worker = Worker(rig.jobs, rig.bus, job_run, rig.settings, name="tester", clock=time.time)
    running = asyncio.create_task(
        follower.run(HandOver(ports, events, worker.handle_own, max_attempts=3))
    )
    try:
        yield Processor(rig, follower, worker)
    finally:
        await worker.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_result_is_there_when_the_upload_ends(rig: Rig) -> None:
    async with processor(rig) as it:
        upload_id = await it.offered()
        await finish(rig, upload_id)
        job = await it.job(upload_id, JobState.SUCCESS)

        assert await result_of(rig, job) == OUTPUT
        assert job.report is not None
        assert job.report.head_start is not None
        assert job.report.seconds.aggregate < 1
        assert (job.attempt, job.worker, rig.engine.runs) == (1, "tester", 1)
        await it.ended(upload_id)
        assert await rig.jobs.head_starts.of_upload(upload_id) is None
        assert scratch_of(rig) == []


async def test_an_upload_of_any_tenant_is_followed(rig: Rig) -> None:
    acme, upload_id = Tenant("acme"), uuid4()
    key = key_of(upload_id, acme)
    await rig.blobs.create(key, len(INPUT))
    await rig.blobs.write(key, 0, once(INPUT[:HALF]))
    await rig.jobs.head_starts.offer(upload_id, tenant=acme, now=time.time())
    async with processor(rig) as it:
        await rig.engine.started.wait()
        await rig.blobs.write(key, HALF, once(INPUT[HALF:]))
        job = await it.job(upload_id, JobState.SUCCESS)
        assert job.tenant == acme
        assert await result_of(rig, job) == OUTPUT
        assert rig.engine.runs == 1


async def test_an_upload_of_unknown_size_is_followed_too(rig: Rig) -> None:
    upload_id = uuid4()
    key = upload_key(upload_id)
    await rig.blobs.create(key, None)
    await rig.blobs.write(key, 0, once(INPUT[:HALF]))
    await rig.jobs.head_starts.offer(upload_id, now=time.time())
    async with processor(rig) as it:
        await rig.engine.started.wait()
        await rig.blobs.write(key, HALF, once(INPUT[HALF:]))
        await rig.blobs.declare_size(key, len(INPUT))
        job = await it.job(upload_id, JobState.SUCCESS)

        assert await result_of(rig, job) == OUTPUT
        assert job.report is not None
        assert job.report.head_start is not None


async def test_a_compressed_upload_of_unknown_size_is_not_followed(rig: Rig) -> None:
    upload_id = uuid4()
    await rig.blobs.create(upload_key(upload_id), None)
    await rig.blobs.write(upload_key(upload_id), 0, once(gzip.compress(INPUT)))
    await rig.jobs.head_starts.offer(upload_id, now=time.time())
    async with processor(rig):

        async def ended() -> bool:
            found = await rig.jobs.head_starts.of_upload(upload_id)
            return found is not None and found.ended_at is not None

        await until(ended)
        assert rig.engine.runs == 0


async def test_a_wake_up_that_comes_first_uses_the_same_aggregation(rig: Rig) -> None:
    async with processor(rig) as it:
        rig.engine.may_write.clear()
        upload_id = await it.offered()
        await finish(rig, upload_id)
        job = await it.job(upload_id, JobState.STARTED)
        again = rig.delivery(job)
        await it.worker.handle(again)
        rig.engine.may_write.set()
        job = await it.job(upload_id, JobState.SUCCESS)

        assert (job.attempt, rig.engine.runs, again.settled) == (1, 1, ["ack"])


async def test_another_processor_leaves_the_job_to_the_one_with_the_head_start(rig: Rig) -> None:
    upload_id = await begun(rig)
    await rig.jobs.head_starts.take(worker="ahead", held_until=time.time() + 60, now=time.time())
    await finish(rig, upload_id)
    job = await rig.job(upload_id=upload_id)
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)

    assert (await rig.jobs.get(job.id)).state is JobState.PENDING
    assert delivery.settled == ["ack"]
    assert [delay for _, delay in rig.bus.published] == [HEAD_START_WAIT]


async def test_an_upload_that_is_removed_is_not_followed_any_longer(rig: Rig) -> None:
    async with processor(rig) as it:
        upload_id = await it.offered()
        await rig.blobs.delete(upload_key(upload_id))
        await it.ended(upload_id)

        assert await rig.jobs.head_starts.of_upload(upload_id) is None
        assert scratch_of(rig) == []


async def test_an_upload_that_stalls_can_be_offered_again(rig: Rig) -> None:
    async with processor(rig, head_start_stall=0.05) as it:
        upload_id = await it.offered()
        await it.ended(upload_id)

        assert await rig.jobs.head_starts.of_upload(upload_id) is None
    await rig.jobs.head_starts.offer(upload_id, now=time.time())
    now = time.time()
    assert await rig.jobs.head_starts.take(worker="another", held_until=now + 60, now=now)
    await finish(rig, upload_id)
    assert await rig.jobs.of_upload(upload_id) is None


@pytest.mark.parametrize(
    "error",
    [MalformedInput("bad"), AttemptFailed("out of memory"), ZeroDivisionError("a defect")],
)
async def test_a_job_runs_as_usual_after_a_head_start_that_failed(
    rig: Rig, error: Exception
) -> None:
    rig.engine.errors.append(error)
    async with processor(rig) as it:
        upload_id = await it.offered()
        await it.ended(upload_id)
        ended = await rig.jobs.head_starts.of_upload(upload_id)
        await finish(rig, upload_id)
        job = await rig.job(upload_id=upload_id)
        await it.worker.handle(rig.delivery(job))

        assert ended is not None
        assert ended.reason == str(error)
        after = await rig.jobs.get(job.id)
        assert (after.state, after.attempt, rig.engine.runs) == (JobState.SUCCESS, 1, 2)
        assert after.report is not None
        assert after.report.head_start is None


async def test_an_engine_that_fails_after_the_upload_fails_the_attempt(rig: Rig) -> None:
    async with processor(rig) as it:
        rig.engine.may_write.clear()
        upload_id = await it.offered()
        await finish(rig, upload_id)
        await it.job(upload_id, JobState.STARTED)
        rig.engine.errors.append(AttemptFailed("crashed"))
        rig.engine.may_write.set()
        job = await it.job(upload_id, JobState.RETRY)

        assert (job.reason, job.attempt) == ("crashed", 1)
        await it.ended(upload_id)
        assert scratch_of(rig) == []


async def test_a_processor_follows_as_many_uploads_as_its_setting_says(rig: Rig) -> None:
    async with processor(rig, head_starts=1) as it:
        first = await it.offered()
        second = await begun(rig)
        await finish(rig, first)
        await it.job(first, JobState.SUCCESS)
        await until(lambda: _is(rig.engine.runs == 2))
        await finish(rig, second)

        assert (await it.job(second, JobState.SUCCESS)).report is not None


async def test_a_processor_without_head_starts_takes_none(rig: Rig) -> None:
    async with processor(rig, head_starts=0):
        upload_id = await begun(rig)
        await asyncio.sleep(0.1)
        head_start = await rig.jobs.head_starts.of_upload(upload_id)

    assert head_start is not None
    assert head_start.token == 0


async def test_a_processor_that_stops_leaves_the_upload_to_another(rig: Rig) -> None:
    async with processor(rig) as it:
        upload_id = await it.offered()
    released = await rig.jobs.head_starts.of_upload(upload_id)
    assert released is not None
    assert (released.token, released.held_until) == (1, None)
    assert (rig.engine.cancelled, scratch_of(rig)) == (1, [])

    rig.engine.started.clear()
    async with processor(rig) as it:
        await rig.engine.started.wait()
        await finish(rig, upload_id)
        job = await it.job(upload_id, JobState.SUCCESS)
        assert await result_of(rig, job) == OUTPUT


async def test_a_head_start_that_another_processor_took_ends(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWAL", 0.05)
    async with processor(rig, head_starts=1) as it:
        upload_id = await it.offered()
        now = time.time() + module.HOLD + 1
        taken = await rig.jobs.head_starts.take(worker="other", held_until=now + 60, now=now)
        assert taken is not None
        await until(lambda: _is(rig.engine.cancelled == 1))

        assert it.follower.of_job(await rig.job(upload_id=upload_id)) is None
        assert await rig.jobs.head_starts.of_upload(upload_id) == taken


async def test_an_attempt_without_a_head_start_pauses_the_others(rig: Rig) -> None:
    async with processor(rig) as it:
        upload_id = await it.offered()
        with it.follower.paused():
            await finish(rig, upload_id)
            await asyncio.sleep(0.1)
            assert await rig.jobs.of_upload(upload_id) is None

        await it.job(upload_id, JobState.SUCCESS)


async def test_a_job_that_is_cancelled_stops_its_engine(rig: Rig) -> None:
    async with processor(rig, lease=0.15) as it:
        rig.engine.may_write.clear()
        upload_id = await it.offered()
        await finish(rig, upload_id)
        job = await it.job(upload_id, JobState.STARTED)
        await rig.jobs.cancel(job.id, now=time.time())
        await it.ended(upload_id)

        assert (await rig.jobs.get(job.id)).state is JobState.REVOKED
        assert (rig.engine.cancelled, scratch_of(rig)) == (1, [])


async def test_an_upload_that_its_client_has_to_mark_waits_for_that(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.head_start.hand_over.MARK_INTERVAL", 0.01)
    async with processor(rig) as it:
        upload_id = await it.offered(**{COMPLETION: EXPLICIT})
        await finish(rig, upload_id)
        await asyncio.sleep(0.05)
        assert await rig.jobs.of_upload(upload_id) is None

        await rig.job(upload_id=upload_id)
        job = await it.job(upload_id, JobState.SUCCESS)
        assert rig.engine.runs == 1
        assert await result_of(rig, job) == OUTPUT


async def test_the_limit_of_time_begins_with_the_job(rig: Rig) -> None:
    async with processor(rig, time_limit=0.05) as it:
        upload_id = await it.offered()
        await asyncio.sleep(0.1)
        rig.engine.may_write.clear()
        await finish(rig, upload_id)
        job = await it.job(upload_id, JobState.RETRY)

        assert job.reason is not None
        assert "CSVMILL_TIME_LIMIT" in job.reason


def scratch_of(rig: Rig) -> list[Path]:
    return [path for path in rig.scratch.path.iterdir() if path.is_dir()]


async def _is(value: bool) -> bool:
    return value
