"""A broker that closes connections, crashes, hangs or has no space."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.bus.rabbitmq.bus import RabbitBus
from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp
from tests.inbox import Inbox
from tests.integration.rabbitmq import publish, publish_until_confirmed
from tests.ports import free_port
from tests.servers.rabbitmq import ALARMS
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.usefixtures("short_backoff")


@pytest.fixture
def killable_url(killable_rabbit: RabbitServer) -> Iterator[str]:
    with killable_rabbit.fresh_vhost() as url:
        yield url


async def publish_until_refused(bus: RabbitBus) -> set[WakeUp]:
    """Publish until the connection is blocked by an alarm; return the confirmed wake-ups."""
    confirmed = set[WakeUp]()
    async with asyncio.timeout(60):
        while True:
            wakeup = WakeUp(uuid4())
            try:
                await bus.publish(wakeup)
            except BrokerUnavailable:
                return confirmed
            confirmed.add(wakeup)


async def lose_connections(rabbit: RabbitServer, caplog: pytest.LogCaptureFixture) -> None:
    """Make the broker close every connection; return once the bus has reconnected."""
    seen = len(caplog.records)
    connections = "rabbit_networking:connections()"
    rabbit.evaluate(f'[rabbit_networking:close_connection(Pid, "test") || Pid <- {connections}]')

    async def back() -> bool:
        return any(is_back(record.message) for record in caplog.records[seen:])

    await until(back)


def is_back(message: str) -> bool:
    return message.startswith(("consuming from", "busy: "))


async def test_a_busy_consumer_prefetches_nothing_after_a_lost_connection(
    killable_url: str, killable_rabbit: RabbitServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shared.bus")
    busy, idle = Inbox(held=True), Inbox()
    async with RabbitBus(killable_url) as bus, RabbitBus(killable_url) as other:
        wakeups = await publish(bus, 1)
        # Given a consumer whose handler still runs although its connection was lost
        async with bus.consume(busy, prefetch=1):
            unsettled = await busy.next()
            await lose_connections(killable_rabbit, caplog)
            # When more wake-ups are published, and another consumer is idle
            wakeups |= await publish(other, 2)
            async with other.consume(idle, prefetch=1):
                received = set()
                for _ in wakeups:
                    delivery = await idle.next()
                    received.add(delivery.wakeup)
                    await delivery.ack()
            # Then the idle one gets all of them, redelivered ones too, and the busy one gets more
            # once its handler has ended
            assert received == wakeups
            busy.may_end.set()
            await unsettled.ack()
            (more,) = await publish(other, 1)
            delivery = await busy.next()
            assert delivery.wakeup == more
            await delivery.ack()


async def test_a_consumer_prefetches_for_its_free_slots_over_a_new_connection(
    killable_url: str, killable_rabbit: RabbitServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shared.bus")
    inbox, idle = Inbox(held=True), Inbox()
    async with RabbitBus(killable_url) as bus, RabbitBus(killable_url) as other:
        await publish(bus, 1)
        async with bus.consume(inbox, prefetch=2):
            first = await inbox.next()
            await lose_connections(killable_rabbit, caplog)
            # Given a prefetch of two, and one handler that still runs after its connection was lost
            again = await inbox.next()
            assert again.wakeup == first.wakeup
            # When more wake-ups are published than fit the prefetch, another consumer gets them
            wakeups = await publish(other, 3)
            async with other.consume(idle, prefetch=1):
                elsewhere = [await idle.next()]
                while len(elsewhere) < len(wakeups):
                    await elsewhere[-1].ack()
                    elsewhere.append(await idle.next())
                assert {delivery.wakeup for delivery in elsewhere} == wakeups
                # When the handlers have ended, two wake-ups are handled at a time again
                inbox.may_end.set()
                inbox.may_end = asyncio.Event()
                await again.ack()
                both = await publish(other, 2)
                assert {(await inbox.next()).wakeup, (await inbox.next()).wakeup} == both
                inbox.may_end.set()
                await elsewhere[-1].ack()


async def test_wake_ups_survive_a_crash_of_the_broker_and_its_clients_reconnect(
    killable_url: str, killable_rabbit: RabbitServer
) -> None:
    inbox = Inbox()
    async with RabbitBus(killable_url) as bus:
        wakeups = await publish(bus, 3)
        delayed = WakeUp(uuid4())
        await bus.publish(delayed, delay=0.9)
        async with bus.consume(inbox, prefetch=1):
            unsettled = await inbox.next()
            await asyncio.to_thread(killable_rabbit.kill)
            with pytest.raises(BrokerUnavailable):
                await bus.publish(WakeUp(uuid4()))
            with pytest.raises(BrokerUnavailable):
                await bus.ping()
            await asyncio.to_thread(killable_rabbit.start)
            late = WakeUp(uuid4())
            await publish_until_confirmed(bus, late)
            received = set()
            for _ in range(5):
                delivery = await inbox.next()
                received.add(delivery.wakeup)
                await delivery.ack()
            # Its connection is closed, so this does nothing: the wake-up was redelivered.
            await unsettled.ack()
    assert received == {*wakeups, delayed, late}
    assert unsettled.wakeup in received


async def test_a_consumer_may_start_before_the_broker(
    killable_url: str, killable_rabbit: RabbitServer
) -> None:
    await asyncio.to_thread(killable_rabbit.stop)
    inbox = Inbox()
    async with RabbitBus(killable_url) as bus, bus.consume(inbox, prefetch=1):
        with pytest.raises(BrokerUnavailable):
            await bus.ping()
        await asyncio.to_thread(killable_rabbit.start)
        wakeup = WakeUp(uuid4())
        await publish_until_confirmed(bus, wakeup)
        delivery = await inbox.next()
        assert delivery.wakeup == wakeup
        await delivery.ack()


@pytest.mark.parametrize("short_of", list(ALARMS))
async def test_a_broker_with_an_alarm_accepts_nothing_and_still_delivers(
    killable_url: str, killable_rabbit: RabbitServer, short_of: str
) -> None:
    raise_alarm, clear_alarm = ALARMS[short_of]
    inbox = Inbox()
    async with RabbitBus(killable_url, timeout=1.0) as bus:
        wakeups = await publish(bus, 2)
        killable_rabbit.evaluate(raise_alarm)
        try:
            wakeups |= await publish_until_refused(bus)
            with pytest.raises(BrokerUnavailable):
                await bus.ping()
            async with bus.consume(inbox, prefetch=1):
                received = set()
                for _ in wakeups:
                    delivery = await inbox.next()
                    received.add(delivery.wakeup)
                    await delivery.ack()
            assert received == wakeups
        finally:
            killable_rabbit.evaluate(clear_alarm)
        await publish_until_confirmed(bus, WakeUp(uuid4()))


async def test_a_hanging_broker_raises_after_the_timeout(
    killable_url: str, killable_rabbit: RabbitServer
) -> None:
    async with RabbitBus(killable_url, timeout=2.0) as bus:
        await publish_until_confirmed(bus, WakeUp(uuid4()))
        killable_rabbit.pause()
        try:
            with pytest.raises(BrokerUnavailable):
                await bus.publish(WakeUp(uuid4()))
            with pytest.raises(BrokerUnavailable):
                await bus.ping()
        finally:
            killable_rabbit.resume()
        await publish_until_confirmed(bus, WakeUp(uuid4()))


async def test_without_a_broker_publishing_fails_and_a_consumer_can_stop() -> None:
    url = f"amqp://127.0.0.1:{free_port()}/"
    async with RabbitBus(url) as bus, bus.consume(Inbox(), prefetch=1):
        with pytest.raises(BrokerUnavailable, match="broker: "):
            await bus.publish(WakeUp(uuid4()))
