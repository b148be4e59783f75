from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from processor.attempt.dead_letters import LEFT_TO_WORKERS_FOR, DeadLetters
from processor.events import ProcessorEvents
from shared.errors import BrokerUnavailable
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from tests.unit.processor.conftest import Rig


def dead_letters(rig: Rig, now: float) -> DeadLetters:
    return DeadLetters(rig.jobs, rig.bus, ProcessorEvents.uncounted(), lambda: now)


async def failed(rig: Rig, now: float, *, lost: bool = False) -> Job:
    """A job without attempts left, whose worker was killed after recording the failure."""
    job = await rig.job(max_attempts=1)
    await rig.jobs.claim(job.id, worker="killed", lease_until=now - 1, now=now - 2)
    if lost:
        assert await rig.jobs.claim(job.id, worker="finder", lease_until=now + 9, now=now) is None
        return await rig.jobs.get(job.id)
    return await rig.jobs.fail(job.id, 1, "out of memory", final=False, now=now)


@pytest.mark.parametrize("lost", [False, True], ids=["failed", "found lost"])
async def test_the_worker_with_the_next_wake_up_publishes_a_due_dead_letter(
    rig: Rig, lost: bool
) -> None:
    job = await failed(rig, time.time(), lost=lost)
    assert job.dead_letter_is_due
    delivery = rig.delivery(job)
    await rig.worker().handle(delivery)
    assert (rig.bus.dead_letters, delivery.settled) == ([WakeUp(job.id)], ["ack"])
    after = await rig.jobs.get(job.id)
    assert not after.dead_letter_is_due
    assert after.dead_lettered_at is not None


async def test_a_dead_letter_is_recorded_after_its_confirmation_and_before_the_ack(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await failed(rig, time.time())
    delivery, due = rig.delivery(job), []
    put, ack = rig.bus.dead_letter, delivery.ack

    async def check_and_publish(wakeup: WakeUp) -> None:
        due.append((await rig.jobs.get(job.id)).dead_letter_is_due)
        await put(wakeup)

    async def check_and_ack() -> None:
        due.append((await rig.jobs.get(job.id)).dead_letter_is_due)
        await ack()

    monkeypatch.setattr(rig.bus, "dead_letter", check_and_publish)
    monkeypatch.setattr(delivery, "ack", check_and_ack)
    await rig.worker().handle(delivery)
    assert due == [True, False]


async def test_a_dead_letter_that_a_worker_cannot_publish_is_left_to_the_relay(rig: Rig) -> None:
    now = time.time()
    job = await failed(rig, now)
    delivery = rig.delivery(job)
    rig.bus.error = BrokerUnavailable("short of memory")
    await rig.worker().handle(delivery)
    assert delivery.settled == ["ack"]
    assert (await rig.jobs.get(job.id)).dead_letter_is_due
    # The relay cannot publish it at first either
    due = now + LEFT_TO_WORKERS_FOR
    with pytest.raises(BrokerUnavailable):
        await dead_letters(rig, due).publish_overdue()
    rig.bus.error = None
    assert await dead_letters(rig, due + LEFT_TO_WORKERS_FOR).publish_overdue() == 1
    assert rig.bus.dead_letters == [WakeUp(job.id)]
    assert not (await rig.jobs.get(job.id)).dead_letter_is_due


async def test_a_relay_leaves_a_young_dead_letter_to_the_workers(rig: Rig) -> None:
    now = time.time()
    await failed(rig, now)
    assert await dead_letters(rig, now + LEFT_TO_WORKERS_FOR - 1).publish_overdue() == 0
    assert rig.bus.dead_letters == []


async def test_several_relays_publish_each_dead_letter_once(rig: Rig) -> None:
    now = time.time()
    jobs = [await failed(rig, now) for _ in range(8)]
    due = now + LEFT_TO_WORKERS_FOR
    put = await asyncio.gather(*(dead_letters(rig, due).publish_overdue() for _ in range(3)))
    assert sum(put) == len(jobs)
    assert {letter.job_id for letter in rig.bus.dead_letters} == {job.id for job in jobs}
    assert len(rig.bus.dead_letters) == len(jobs)


async def test_no_dead_letter_of_a_retried_job_is_due_until_it_fails_again(rig: Rig) -> None:
    now = time.time()
    job = await failed(rig, now)
    await rig.jobs.retry(job.id)
    later = now + LEFT_TO_WORKERS_FOR
    assert await dead_letters(rig, later).publish_overdue() == 0
    # A late report of the first failure does not count for the second
    await rig.jobs.claim(job.id, worker="other", lease_until=later + 9, now=later)
    again = await rig.jobs.fail(job.id, 2, "out of memory", final=False, now=later)
    assert again.state is JobState.FAILURE
    await dead_letters(rig, later).publish(job)
    assert (await rig.jobs.get(job.id)).dead_letter_is_due
    assert await dead_letters(rig, later + LEFT_TO_WORKERS_FOR).publish_overdue() == 1
