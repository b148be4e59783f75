"""Attempts that are cancelled, and a worker that stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from processor.attempt import outcomes
from shared.blobs.blob import result_key
from shared.errors import (
    AttemptFailed,
    BlobNotFound,
)
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey
    from tests.unit.processor.conftest import Rig


async def test_an_attempt_whose_job_was_cancelled_stops_within_a_heartbeat(rig: Rig) -> None:
    # Given an attempt that does not end by itself
    rig.settings = rig.settings.model_copy(update={"lease": 0.15})
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    # When the job is cancelled
    await rig.jobs.cancel(job.id, now=time.time())
    await handling
    # Then the engine is stopped and the wake-up is acked
    assert rig.engine.cancelled == 1
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "REVOKED")


async def test_an_attempt_that_fails_because_its_job_was_cancelled_changes_nothing(
    rig: Rig,
) -> None:
    # Given an attempt that has not opened its input yet, and has written part of its output
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    await rig.blobs.create(result_key(job.id, 1), 100)
    # When the job is cancelled, and the attempt finds its input removed before its heartbeat
    cancelled = await rig.jobs.cancel(job.id, now=time.time())
    await rig.blobs.delete(job.inputs[0].key)
    rig.engine.may_finish.set()
    await handling
    # Then the job stays cancelled, and the output of the attempt is removed
    assert await rig.jobs.get(job.id) == cancelled
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["revoked"]
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))
    assert (delivery.settled, rig.bus.published) == (["ack"], [])


async def test_a_cancelled_attempt_leaves_no_output(rig: Rig) -> None:
    rig.settings = rig.settings.model_copy(update={"lease": 0.15})
    rig.engine.may_finish.clear()
    job = await rig.job()
    handling = asyncio.create_task(rig.worker().handle(rig.delivery(job)))
    await rig.engine.started.wait()
    await rig.blobs.create(result_key(job.id, 1), 100)
    await rig.jobs.cancel(job.id, now=time.time())
    await handling
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))


async def test_stopping_releases_the_job_immediately_and_does_not_ack_its_wake_up(
    rig: Rig,
) -> None:
    rig.engine.may_finish.clear()
    job = await rig.job(max_attempts=1)
    delivery = rig.delivery(job)
    worker = rig.worker()
    handling = asyncio.create_task(worker.handle(delivery))
    await rig.engine.started.wait()
    await worker.stop()
    await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert (rig.engine.cancelled, delivery.settled) == (1, [])
    # And a stopped worker claims no more jobs
    refused = rig.delivery(job)
    await worker.handle(refused)
    assert refused.settled == []
    # The released attempt did not count: another worker finishes the job
    rig.engine.may_finish.set()
    await rig.worker().handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS


async def test_a_job_is_released_although_its_output_cannot_be_removed_in_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(_key: BlobKey) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.blobs, "delete", hang)
    monkeypatch.setattr(outcomes, "RELEASE_TIMEOUT", 0.5)
    rig.engine.may_finish.clear()
    job = await rig.job()
    worker = rig.worker()
    handling = asyncio.create_task(worker.handle(rig.delivery(job)))
    await rig.engine.started.wait()
    with caplog.at_level("INFO"):
        await worker.stop()
        await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    messages = [record.message for record in caplog.records]
    assert f"job={job.id} attempt=1 released at shutdown" in messages
    assert f"job={job.id} attempt=1 left output behind: no answer in time" in messages
    assert not any("not released" in message for message in messages)


async def test_a_stop_during_a_claim_releases_the_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job()
    claimed, claim = asyncio.Event(), rig.jobs.claim_next

    async def without_an_answer(*args: Any, **kwargs: Any) -> None:
        await claim(*args, **kwargs)
        claimed.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.jobs, "claim_next", without_an_answer)
    worker, delivery = rig.worker(), rig.delivery(job)
    handling = asyncio.create_task(worker.handle(delivery))
    await claimed.wait()
    await worker.stop()
    await handling
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["released"]
    assert delivery.settled == []


async def test_stopping_while_a_failure_is_examined_releases_the_job(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.may_finish.clear()
    rig.engine.errors = [AttemptFailed("crashed")]
    delivery, worker, pinged = rig.delivery(job), rig.worker(), asyncio.Event()
    handling = asyncio.create_task(worker.handle(delivery))
    await rig.engine.started.wait()

    async def silent() -> None:
        pinged.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.blobs, "ping", silent)
    rig.engine.may_finish.set()
    await pinged.wait()
    await worker.stop()
    await handling
    assert delivery.settled == []
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert [attempt.outcome for attempt in await rig.jobs.attempts(job.id)] == ["released"]
