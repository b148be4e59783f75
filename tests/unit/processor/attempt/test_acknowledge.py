"""Wake-ups of delayed jobs while the broker accepts no messages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from processor.attempt import acknowledge
from shared.errors import AttemptFailed, BrokerUnavailable
from shared.jobs.wake_up import WakeUp
from tests.services import until

if TYPE_CHECKING:
    import pytest

    from tests.unit.processor.conftest import Rig


async def test_a_wake_up_that_cannot_be_delayed_is_requeued_after_a_pause(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledge, "LONGEST_HOLD", 0.5)
    job = await rig.job()
    now = time.time()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 30, now=now)
    rig.bus.error = BrokerUnavailable("alarm")
    delivery = rig.delivery(job)
    clock = asyncio.get_running_loop().time
    began = clock()
    await rig.worker().handle(delivery)
    assert delivery.settled == ["requeue"]
    assert clock() - began >= 0.5


async def test_a_wake_up_that_cannot_be_delayed_is_held_no_longer_than_its_delay(
    rig: Rig,
) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 0.3, now=now)
    rig.bus.error = BrokerUnavailable("alarm")
    delivery = rig.delivery(job)
    async with asyncio.timeout(acknowledge.LONGEST_HOLD / 2):
        await rig.worker(clock=lambda: now).handle(delivery)
    assert delivery.settled == ["requeue"]


async def test_a_stop_does_not_wait_for_a_wake_up_that_cannot_be_delayed(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 30, now=now)
    rig.bus.error = BrokerUnavailable("alarm")
    delivery, worker = rig.delivery(job), rig.worker()
    handling = asyncio.create_task(worker.handle(delivery))

    async def refused() -> bool:
        return "wake-up not delayed: alarm" in caplog.text

    await until(refused)
    async with asyncio.timeout(acknowledge.LONGEST_HOLD / 2):
        await worker.stop()
        await handling
    # Leaving the bus requeues it.
    assert delivery.settled == []


async def test_an_alarm_of_the_broker_does_not_dead_letter_the_wake_up_of_a_retried_job(
    rig: Rig,
) -> None:
    # Given a wake-up at the redelivery limit, of a job whose attempt fails
    job = await rig.job()
    rig.engine.errors = [AttemptFailed("out of memory")]
    rig.engine.may_finish.set()
    rig.bus.error = BrokerUnavailable("alarm")
    delivery = rig.delivery(job)
    delivery.exhausted = True
    await rig.worker().handle(delivery)
    # Then it is acked and not requeued, and the relay finds that the job lacks a wake-up
    assert (delivery.settled, delivery.state_at_settling) == (["ack"], "RETRY")
    later = time.time() + 60
    assert await rig.jobs.overdue(
        now=later, unpublished_for=15.0, lost_before=later - 300, limit=9
    ) == [WakeUp.of(job)]
