"""The worker handles wake-ups: attempts that succeed, fail or are refused."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from processor.attempt.run import JobRun
from processor.engines.usage import Outgrown
from processor.worker import Worker
from shared.blobs.blob import result_key
from shared.errors import (
    AttemptFailed,
    BlobNotFound,
    MalformedInput,
)
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.unit.processor.conftest import OUTPUT, RecordedDelivery, ScriptedEngine

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig


async def test_a_job_that_succeeds_points_to_its_result_before_the_wake_up_is_acked(
    rig: Rig,
) -> None:
    job = await rig.job()
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    done = await rig.jobs.get(job.id)
    assert done.result is not None
    assert (done.result.rows_in, done.result.rows_out) == (3, 1)
    async with rig.blobs.open(done.result.key) as pieces:
        assert b"".join([piece async for piece in pieces]) == OUTPUT
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "SUCCESS")


async def test_a_malformed_file_is_final_at_the_first_attempt(rig: Rig) -> None:
    job = await rig.job()
    rig.engine.errors = [MalformedInput("line 2: no number")]
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    after = await rig.jobs.get(job.id)
    assert (after.state, after.reason, after.attempt) == ("FAILURE", "line 2: no number", 1)
    assert (delivery.settled, rig.bus.published) == (["ack"], [])
    # A further wake-up does not dead-letter it either
    await rig.worker().handle(rig.delivery(job))
    assert rig.bus.dead_letters == []


@pytest.mark.parametrize("error", [AttemptFailed("out of memory"), RuntimeError("a defect")])
async def test_a_failed_attempt_is_retried_after_a_delay_until_they_are_used_up(
    rig: Rig, error: Exception
) -> None:
    job = await rig.job(max_attempts=2)
    rig.engine.errors = [error, error]
    # When the first attempt fails, a delayed wake-up is published
    first = rig.delivery(job)
    await rig.worker().handle(first)
    assert (await rig.jobs.get(job.id)).state is JobState.RETRY
    assert rig.bus.published == [(WakeUp(job.id), rig.settings.retry_delay)]
    assert first.settled == ["ack"]
    assert rig.bus.dead_letters == []
    # When the last attempt fails, a dead letter is published
    last = rig.delivery(job)
    await rig.worker(clock=lambda: time.time() + rig.settings.retry_delay).handle(last)
    assert (await rig.jobs.get(job.id)).state is JobState.FAILURE
    assert (last.settled, len(rig.bus.published)) == (["ack"], 1)
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    reasons = [attempt.reason for attempt in await rig.jobs.attempts(job.id)]
    assert len(reasons) == 2
    assert all(str(error) in (reason or "") for reason in reasons)


async def test_a_small_job_that_has_outgrown_its_slot_is_woken_among_the_others(rig: Rig) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.errors = [Outgrown("its file decompresses to more than 64 MiB")]
    small = RecordedDelivery(WakeUp(job.id, small=True), rig.jobs)
    await rig.worker().handle(small)
    assert rig.bus.published == [(WakeUp(job.id), 0.0)]
    assert (small.settled, small.state_at_settling) == (["ack"], "RETRY")
    # It was no failure: the only permitted attempt is still to come
    again = rig.delivery(job)
    await rig.worker().handle(again)
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS
    outcomes = [attempt.outcome for attempt in await rig.jobs.attempts(job.id)]
    assert outcomes == ["released", "success"]


async def test_a_wake_up_says_whether_the_job_runs_as_a_small_one(rig: Rig) -> None:
    small_engine = ScriptedEngine()
    job_run = JobRun(rig.blobs, rig.engine, rig.scratch, small_engine=small_engine)
    worker = Worker(rig.jobs, rig.bus, job_run, rig.settings, name="tester", clock=time.time)
    for small in (True, False):
        job = await rig.job()
        await worker.handle(RecordedDelivery(WakeUp(job.id, small=small), rig.jobs))
        assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS
    assert (small_engine.runs, rig.engine.runs) == (1, 1)


async def test_a_duplicate_wake_up_does_not_start_the_next_attempt_early(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=2)
    rig.engine.errors = [AttemptFailed("disk full")]
    now = time.time()
    await rig.worker(clock=lambda: now).handle(rig.delivery(job))
    rig.bus.published.clear()
    # When another wake-up of the same job is delivered a second too early
    delay = rig.settings.retry_delay
    early = rig.delivery(job)
    await rig.worker(clock=lambda: now + delay - 1).handle(early)
    # Then no attempt starts
    assert (await rig.jobs.get(job.id)).attempt == 1
    assert early.settled == ["ack"]
    ((wakeup, wait),) = rig.bus.published
    assert wakeup == WakeUp(job.id)
    assert wait == pytest.approx(1.0)
    # And the delayed wake-up starts it
    await rig.worker(clock=lambda: now + delay).handle(rig.delivery(job))
    assert (await rig.jobs.get(job.id)).state is JobState.SUCCESS


async def test_a_finished_job_is_not_run_again(rig: Rig) -> None:
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    rig.engine.started.clear()
    again = rig.delivery(job)
    await rig.worker().handle(again)
    assert again.settled == ["ack"]
    assert not rig.engine.started.is_set()


async def test_the_wake_up_of_a_job_leased_to_another_is_delayed_until_the_lease_ends(
    rig: Rig,
) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 30, now=now)
    delivery = rig.delivery(job)
    await rig.worker(clock=lambda: now).handle(delivery)
    assert rig.bus.published == [(WakeUp(job.id), 30.0)]
    assert delivery.settled == ["ack"]
    assert not rig.engine.started.is_set()


async def test_a_job_whose_last_attempt_was_lost_is_dead_lettered(rig: Rig) -> None:
    job = await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(job.id, worker="killed", lease_until=now - 1, now=now - 10)
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "FAILURE")
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    assert not rig.engine.started.is_set()
    # A second wake-up of the same job is only acked
    duplicate = rig.delivery(job)
    await rig.worker().handle(duplicate)
    assert duplicate.settled == ["ack"]
    assert len(rig.bus.dead_letters) == 1


async def test_only_a_retry_and_not_a_returned_dead_letter_runs_a_failed_job_again(
    rig: Rig,
) -> None:
    job = await rig.job(max_attempts=1)
    rig.engine.errors = [AttemptFailed("out of memory")]
    await rig.worker().handle(rig.delivery(job))
    # A dead letter that an operator moves back to the queue does not run the failed job
    moved_back = rig.delivery(job)
    await rig.worker().handle(moved_back)
    assert (moved_back.settled, moved_back.state_at_settling) == (["ack"], "FAILURE")
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    # After a retry the job runs
    await rig.jobs.retry(job.id)
    woken = rig.delivery(job)
    await rig.worker().handle(woken)
    assert (woken.settled, woken.state_at_settling) == (["ack"], "SUCCESS")
    attempts = [(a.number, a.outcome, a.reason) for a in await rig.jobs.attempts(job.id)]
    assert attempts == [(1, "failure", "out of memory"), (2, "success", None)]


async def test_a_late_result_is_refused_and_its_output_removed(rig: Rig) -> None:
    # Given a slow attempt whose job was claimed by another worker meanwhile
    rig.engine.may_finish.clear()
    job = await rig.job()
    delivery = rig.delivery(job)
    handling = asyncio.create_task(rig.worker().handle(delivery))
    await rig.engine.started.wait()
    later = time.time() + 3600
    taken = await rig.jobs.claim(job.id, worker="other", lease_until=later + 60, now=later)
    assert taken is not None
    # When it finishes nevertheless
    rig.engine.may_finish.set()
    await handling
    # Then the job still belongs to the other attempt, and the late output is removed
    after = await rig.jobs.get(job.id)
    assert (after.state, after.attempt, after.worker) == ("STARTED", 2, "other")
    with pytest.raises(BlobNotFound):
        await rig.blobs.info(result_key(job.id, 1))
    assert delivery.settled == ["ack"]


async def test_no_scratch_is_left_after_an_attempt(rig: Rig) -> None:
    rig.engine.errors = [AttemptFailed("disk full")]
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    assert [path.name for path in rig.scratch.path.iterdir()] == [".lock"]


@pytest.mark.parametrize("engine", list(EngineChoice))
async def test_the_engine_is_given_where_the_job_is_to_be_computed(
    rig: Rig, engine: EngineChoice
) -> None:
    await rig.worker().handle(rig.delivery(await rig.job(engine=engine)))
    assert rig.engine.choices == [engine]
