"""The contract of every bus, in process and on RabbitMQ."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.bus import dispatch
from shared.bus.in_process import InProcessBus
from shared.bus.rabbitmq.bus import RabbitBus
from shared.bus.topology import DEAD
from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import Ids, bound_ids, current_ids
from shared.telemetry.trace_context import TraceContext
from tests.contract.amqp import next_message, raw_channel
from tests.inbox import Inbox

if TYPE_CHECKING:
    from shared.ports import Delivery

Bus = InProcessBus | RabbitBus


async def next_dead_letter(bus: Bus, request: pytest.FixtureRequest) -> WakeUp:
    """Wait for a dead letter, in the place where an operator would look."""
    async with asyncio.timeout(20):
        while isinstance(bus, InProcessBus):
            if bus.dead_letters:
                return bus.dead_letters[-1]
            await asyncio.sleep(0.01)
        async with raw_channel(str(request.getfixturevalue("broker_url"))) as channel:
            return WakeUp.decode((await next_message(channel, DEAD)).body)


async def drained(bus: Bus, inbox: Inbox) -> None:
    """Wait until a marker, published last, is delivered, and so everything before it."""
    marker = WakeUp(uuid4())
    await bus.publish(marker)
    delivery = await inbox.next()
    assert delivery.wakeup == marker, "another wake-up was still queued"
    await delivery.ack()


async def test_a_wake_up_published_before_any_consumer_started_is_delivered(bus: Bus) -> None:
    wakeups = [WakeUp(uuid4()) for _ in range(20)]
    for wakeup in wakeups:
        await bus.publish(wakeup)
    inbox = Inbox()
    received = []
    async with bus.consume(inbox, prefetch=3):
        for _ in wakeups:
            delivery = await inbox.next()
            received.append(delivery.wakeup)
            await delivery.ack()
        await drained(bus, inbox)
    assert set(received) == set(wakeups)


async def test_a_wake_up_published_while_a_consumer_runs_is_delivered(bus: Bus) -> None:
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        for _ in range(3):
            wakeup = WakeUp(uuid4())
            await bus.publish(wakeup)
            delivery = await inbox.next()
            assert delivery.wakeup == wakeup
            await delivery.ack()


async def test_a_requeued_wake_up_is_redelivered(bus: Bus) -> None:
    wakeup = WakeUp(uuid4())
    await bus.publish(wakeup)
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        await (await inbox.next()).requeue()
        again = await inbox.next()
        assert again.wakeup == wakeup
        await again.ack()
        await drained(bus, inbox)


async def test_at_most_prefetch_deliveries_are_handled_at_a_time(
    bus: Bus,
) -> None:
    for _ in range(5):
        await bus.publish(WakeUp(uuid4()))
    inbox = Inbox(held=True)
    async with bus.consume(inbox, prefetch=2):
        first, second = await inbox.next(), await inbox.next()
        # The delivery is settled while its handler still runs:
        await first.ack()
        await bus.ping()
        await asyncio.sleep(0.1)
        assert inbox.empty
        # Its handler ends too, but the second delivery stays unsettled:
        inbox.may_end.set()
        for _ in range(3):
            delivery = await inbox.next()
            assert inbox.empty
            await delivery.ack()
        await second.ack()


async def test_a_delayed_wake_up_is_not_delivered_earlier(bus: Bus) -> None:
    inbox = Inbox()
    wakeup = WakeUp(uuid4())
    clock = asyncio.get_running_loop().time
    async with bus.consume(inbox, prefetch=1):
        before = clock()
        await bus.publish(wakeup, delay=0.4)
        await drained(bus, inbox)
        delivery = await inbox.next()
        assert clock() - before >= 0.4
        assert delivery.wakeup == wakeup
        await delivery.ack()


async def test_a_long_delay_does_not_hold_up_a_short_one(bus: Bus) -> None:
    inbox = Inbox()
    soon = WakeUp(uuid4())
    async with bus.consume(inbox, prefetch=1):
        for delay in (1e9, 300.0, 30.0, 5.0):
            await bus.publish(WakeUp(uuid4()), delay=delay)
        await bus.publish(soon, delay=0.05)
        delivery = await inbox.next()
        assert delivery.wakeup == soon
        await delivery.ack()


async def test_a_dead_lettered_delivery_is_in_the_queue_for_operators_and_not_redelivered(
    bus: Bus, request: pytest.FixtureRequest
) -> None:
    wakeup = WakeUp(uuid4())
    await bus.publish(wakeup)
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        await (await inbox.next()).dead_letter()
        assert await next_dead_letter(bus, request) == wakeup
        await drained(bus, inbox)


async def test_a_published_dead_letter_is_in_the_queue_for_operators(
    bus: Bus, request: pytest.FixtureRequest
) -> None:
    wakeup = WakeUp(uuid4())
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        await bus.dead_letter(wakeup)
        assert await next_dead_letter(bus, request) == wakeup
        await drained(bus, inbox)


async def test_queued_wake_ups_are_not_lost_and_undelivered_older_ones_are(
    bus: Bus,
) -> None:
    inbox = Inbox()
    # Given no queued wake-ups: everything published counts as lost
    start = time.time()
    assert start <= await bus.lost_before(0.0) <= time.time()
    # When wake-ups are queued without a consumer, none of them counts as lost
    for _ in range(3):
        await bus.publish(WakeUp(uuid4()))
    published = time.time()
    assert await bus.lost_before(0.0) <= start
    async with bus.consume(inbox, prefetch=1):
        # When the first one was delivered, only wake-ups published before it count as lost
        first = await inbox.next()
        assert int(start) <= await bus.lost_before(0.0) <= published
        assert await bus.lost_before(60.0) < start
        await first.ack()
        # When all have been delivered, everything published before counts as lost
        for _ in range(2):
            await (await inbox.next()).ack()
        assert await bus.lost_before(0.0) >= published


async def test_a_wake_up_whose_handler_raised_is_redelivered_and_the_error_is_logged(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    wakeup = WakeUp(uuid4())
    inbox = Inbox()

    async def raise_once(delivery: Delivery) -> None:
        if f"job={wakeup.job_id}" not in caplog.text:
            raise LookupError("first delivery")
        await inbox(delivery)

    async with bus.consume(raise_once, prefetch=1):
        with caplog.at_level(logging.ERROR):
            await bus.publish(wakeup)
            delivery = await inbox.next()
        assert delivery.wakeup == wakeup
        await delivery.ack()
    assert "LookupError: first delivery" in caplog.text


async def test_a_wake_up_whose_handler_always_raises_is_dead_lettered(
    bus: Bus, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "FIRST_PAUSE", 0.0)
    failing, healthy = WakeUp(uuid4()), WakeUp(uuid4())
    exhausted: list[bool] = []
    healthy_arrived = asyncio.Event()

    async def always_raise(delivery: Delivery) -> None:
        if delivery.wakeup == failing:
            exhausted.append(delivery.exhausted)
            raise LookupError("every delivery")
        await delivery.ack()
        healthy_arrived.set()

    async with bus.consume(always_raise, prefetch=1):
        await bus.publish(failing)
        await bus.publish(healthy)
        assert await next_dead_letter(bus, request) == failing
        await asyncio.wait_for(healthy_arrived.wait(), 20)
    assert exhausted == [False] * 20 + [True]


async def test_the_unsettled_deliveries_of_a_stopped_consumer_go_to_another(bus: Bus) -> None:
    wakeups = {WakeUp(uuid4()) for _ in range(4)}
    for wakeup in wakeups:
        await bus.publish(wakeup)
    first, second = Inbox(), Inbox()
    async with bus.consume(first, prefetch=2):
        left = {(await first.next()).wakeup, (await first.next()).wakeup}
    received = set()
    async with bus.consume(second, prefetch=1):
        for _ in wakeups:
            delivery = await second.next()
            received.add(delivery.wakeup)
            await delivery.ack()
    assert received == wakeups
    assert left < wakeups
    assert first.empty


async def test_a_handler_may_settle_after_its_consumer_has_stopped(bus: Bus) -> None:
    await bus.publish(WakeUp(uuid4()))
    inbox = Inbox(held=True)
    async with bus.consume(inbox, prefetch=1):
        delivery = await inbox.next()
    other = Inbox()
    async with bus.consume(other, prefetch=1):
        await drained(bus, other)
        await delivery.ack()
        inbox.may_end.set()
        await drained(bus, other)


async def test_a_wake_up_that_a_handler_leaves_unsettled_is_requeued_after_the_stop(
    bus: Bus,
) -> None:
    wakeup = WakeUp(uuid4())
    await bus.publish(wakeup)
    inbox, other = Inbox(held=True), Inbox()
    async with bus.consume(inbox, prefetch=1):
        await inbox.next()
    async with bus.consume(other, prefetch=1):
        await drained(bus, other)
        inbox.may_end.set()
        again = await other.next()
        assert again.wakeup == wakeup
        await again.ack()


async def test_wake_ups_are_shared_between_consumers(bus: Bus) -> None:
    one, other = Inbox(), Inbox()
    async with bus.consume(one, prefetch=1), bus.consume(other, prefetch=1):
        for _ in range(2):
            await bus.publish(WakeUp(uuid4()))
        first, second = await one.next(), await other.next()
        assert first.wakeup != second.wakeup
        await first.ack()
        await second.ack()


async def test_settling_a_delivery_twice_raises(bus: Bus) -> None:
    await bus.publish(WakeUp(uuid4()))
    inbox = Inbox()
    async with bus.consume(inbox, prefetch=1):
        delivery = await inbox.next()
        await delivery.ack()
        with pytest.raises(RuntimeError, match="was acknowledged already"):
            await delivery.requeue()
        await drained(bus, inbox)


async def test_closing_the_bus_cancels_its_handlers(bus: Bus) -> None:
    await bus.publish(WakeUp(uuid4()))
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(_delivery: Delivery) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with bus.consume(hang, prefetch=1):
        await asyncio.wait_for(started.wait(), 20)
    assert not cancelled.is_set()
    await bus.close()
    assert cancelled.is_set()


async def test_a_closed_bus_is_unavailable(bus: Bus) -> None:
    await bus.ping()
    await bus.close()
    await bus.close()
    with pytest.raises(BrokerUnavailable):
        await bus.publish(WakeUp(uuid4()))
    with pytest.raises(BrokerUnavailable):
        await bus.dead_letter(WakeUp(uuid4()))
    with pytest.raises(BrokerUnavailable):
        await bus.ping()
    with pytest.raises(BrokerUnavailable):
        await bus.lost_before(0.0)


async def test_a_consumer_with_a_prefetch_of_zero_is_refused(bus: Bus) -> None:
    with pytest.raises(ValueError, match="prefetch is 0"):
        async with bus.consume(Inbox(), prefetch=0):
            pass


async def test_a_wake_up_is_handled_with_the_ids_of_its_publisher(bus: Bus) -> None:
    # Given two publishers, one of them with bound ids
    trace = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01", "a=1,b=2")
    known, unknown = WakeUp(uuid4()), WakeUp(uuid4())
    upload_id = uuid4()
    handled: dict[WakeUp, Ids] = {}
    all_handled = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        handled[delivery.wakeup] = current_ids()
        await delivery.ack()
        if len(handled) == 2:
            all_handled.set()

    with bound_ids(Ids("request-1", upload_id, uuid4(), 7, trace)):
        await bus.publish(known, delay=0.01)
    await bus.publish(unknown)
    # When a consumer with other ids handles them
    with bound_ids(Ids("of the consumer")):
        async with bus.consume(handle, prefetch=2), asyncio.timeout(20):
            await all_handled.wait()
    # Then each has the ids of its job and of its publisher's request and upload, but no attempt
    assert handled == {
        known: Ids("request-1", upload_id, known.job_id, None, trace),
        unknown: Ids(job_id=unknown.job_id),
    }
