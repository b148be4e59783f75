"""Small jobs have a queue of their own on each bus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.jobs.wake_up import WakeUp
from tests.inbox import Inbox

if TYPE_CHECKING:
    from shared.ports import Bus


async def test_small_jobs_do_not_wait_behind_others_and_others_not_behind_them(bus: Bus) -> None:
    for busy in (False, True):
        inbox, other = Inbox(), Inbox()
        async with (
            bus.consume(inbox, prefetch=1, small=busy),
            bus.consume(other, prefetch=1, small=not busy),
        ):
            # Given one slot that is taken, and another wake-up that waits for it
            for _ in range(2):
                await bus.publish(WakeUp(uuid4(), small=busy))
            taken = await inbox.next()
            # When a wake-up of the other kind is published, it is delivered at once
            wakeup = WakeUp(uuid4(), small=not busy)
            await bus.publish(wakeup)
            delivery = await other.next()
            assert delivery.wakeup == wakeup
            assert other.empty
            assert inbox.empty
            await delivery.ack()
            await taken.ack()
            await (await inbox.next()).ack()


async def test_a_requeued_wake_up_of_a_small_job_is_redelivered_among_them(bus: Bus) -> None:
    wakeup = WakeUp(uuid4(), small=True)
    await bus.publish(wakeup)
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1, small=True):
        await (await inbox.next()).requeue()
        again = await inbox.next()
        assert again.wakeup == wakeup
        await again.ack()


async def test_a_delayed_wake_up_of_a_small_job_is_delivered_among_the_others(bus: Bus) -> None:
    wakeup = WakeUp(uuid4(), small=True)
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        await bus.publish(wakeup, delay=0.01)
        delivery = await inbox.next()
        assert delivery.wakeup == wakeup
        await delivery.ack()


async def test_a_queued_wake_up_of_a_small_job_is_not_lost(bus: Bus) -> None:
    start = time.time()
    await bus.publish(WakeUp(uuid4(), small=True))
    assert await bus.lost_before(0.0) <= start
    others, inbox = Inbox(), Inbox()
    async with bus.consume(others, prefetch=1):
        await bus.publish(WakeUp(uuid4()))
        await (await others.next()).ack()
        assert await bus.lost_before(0.0) <= start
        async with bus.consume(inbox, prefetch=1, small=True):
            await (await inbox.next()).ack()
            assert await bus.lost_before(0.0) >= start
