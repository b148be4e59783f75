from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from processor.maintenance.relay import Relay
from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig


def relay(rig: Rig, now: float) -> Relay:
    return Relay(rig.jobs, rig.bus, interval=1.0, lost_after=300.0, clock=lambda: now)


async def test_a_job_whose_wake_up_was_never_published_gets_one_and_only_one(rig: Rig) -> None:
    job = await rig.job()
    soon = time.time() + 60
    assert await relay(rig, soon).wake_overdue() == 1
    assert rig.bus.published == [(WakeUp.of(job), 0.0)]
    assert await relay(rig, soon + 1).wake_overdue() == 0


async def test_the_broker_is_not_queried_while_no_job_waits(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_lost_after: float) -> float:
        raise BrokerUnavailable("away")

    monkeypatch.setattr(rig.bus, "lost_before", unavailable)
    job = await rig.job()
    now = time.time()
    await rig.jobs.mark_published(job.id, now)
    with pytest.raises(BrokerUnavailable):
        await relay(rig, now + 1).wake_overdue()
    await rig.jobs.claim(job.id, worker="other", lease_until=now + 15, now=now)
    assert await relay(rig, now + 1).wake_overdue() == 0


async def test_a_job_released_before_this_process_started_is_woken_immediately(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a new job that was released
    job, now = await rig.job(), time.time()
    assert await rig.jobs.claim(job.id, worker="before", lease_until=now + 60, now=now)
    await rig.jobs.release(job.id, 1, "shutting down", now=now)
    assert await relay(rig, now).wake_overdue() == 0

    async def lost_before(_lost_after: float) -> float:
        return now + 0.5

    # When all wake-ups since then were lost
    monkeypatch.setattr(rig.bus, "lost_before", lost_before)
    assert await relay(rig, now + 1).wake_overdue() == 1


async def test_a_young_job_is_left_to_its_gateway(rig: Rig) -> None:
    await rig.job()
    assert await relay(rig, time.time()).wake_overdue() == 0


async def test_a_job_whose_lease_ran_out_is_woken(rig: Rig) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.mark_published(job.id, now)
    await rig.jobs.claim(job.id, worker="killed", lease_until=now + 15, now=now)
    assert await relay(rig, now + 10).wake_overdue() == 0
    assert await relay(rig, now + 16).wake_overdue() == 1


async def test_an_outage_of_the_broker_leaves_the_job_overdue(rig: Rig) -> None:
    await rig.job()
    soon = time.time() + 60
    rig.bus.error = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await relay(rig, soon).wake_overdue()
    rig.bus.error = None
    assert await relay(rig, soon).wake_overdue() == 1


async def test_a_running_relay_survives_errors_and_publishes_wake_ups_and_dead_letters(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job without a wake-up, a job without a dead letter, and an error in the first run
    waiting, failed = await rig.job(), await rig.job(max_attempts=1)
    now = time.time()
    await rig.jobs.claim(failed.id, worker="killed", lease_until=now + 9, now=now)
    await rig.jobs.fail(failed.id, 1, "out of memory", final=False, now=now)
    overdue = rig.jobs.overdue
    calls = 0

    async def defective_at_first(**query: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a defect")
        return await overdue(**query)

    published, publish = asyncio.Event(), rig.bus.publish

    async def publish_and_set(wakeup: WakeUp) -> None:
        await publish(wakeup)
        published.set()

    monkeypatch.setattr(rig.jobs, "overdue", defective_at_first)
    monkeypatch.setattr(rig.bus, "publish", publish_and_set)
    fast_relay = Relay(rig.jobs, rig.bus, interval=0.01, lost_after=300.0, clock=lambda: now + 60)
    running = asyncio.create_task(fast_relay.run())
    try:
        await asyncio.wait_for(published.wait(), 30)
    finally:
        running.cancel()
    assert rig.bus.published == [(WakeUp.of(waiting), 0.0)]
    assert rig.bus.dead_letters == [WakeUp(failed.id)]
