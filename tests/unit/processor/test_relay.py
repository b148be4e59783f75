from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from processor.relay import Relay
from shared.errors import BrokerUnavailable
from shared.messages import WakeUp

if TYPE_CHECKING:
    from tests.unit.processor.conftest import Rig


def relay(rig: Rig, now: float) -> Relay:
    return Relay(rig.jobs, rig.bus, interval=1.0, lost_after=300.0, clock=lambda: now)


async def test_a_job_whose_wake_up_was_never_published_gets_one_and_only_one(rig: Rig) -> None:
    job = await rig.job()
    soon = time.time() + 60
    assert await relay(rig, soon).wake_overdue() == 1
    assert rig.bus.published == [(WakeUp(job.id), 0.0)]
    assert await relay(rig, soon + 1).wake_overdue() == 0


async def test_a_job_just_made_is_left_to_its_gateway(rig: Rig) -> None:
    await rig.job()
    assert await relay(rig, time.time()).wake_overdue() == 0


async def test_a_job_whose_lease_ran_out_is_woken(rig: Rig) -> None:
    job = await rig.job()
    now = time.time()
    await rig.jobs.mark_published(job.id, now)
    await rig.jobs.claim(job.id, worker="killed", lease_until=now + 15, now=now)
    assert await relay(rig, now + 10).wake_overdue() == 0
    assert await relay(rig, now + 16).wake_overdue() == 1


async def test_a_broker_that_is_away_leaves_the_job_overdue(rig: Rig) -> None:
    await rig.job()
    soon = time.time() + 60
    rig.bus.error = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await relay(rig, soon).wake_overdue()
    rig.bus.error = None
    assert await relay(rig, soon).wake_overdue() == 1
