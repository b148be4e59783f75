"""The RabbitMQ bus while consumers are killed, connections are lost and the broker crashes."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import aio_pika
import pytest

from shared.bus.rabbitmq import consumer
from shared.bus.rabbitmq.bus import RabbitBus
from shared.bus.topology import DEAD, EXCHANGE, QUEUES, WAITING, queue_for
from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import Ids, bound_ids
from shared.telemetry.trace_context import TraceContext
from tests.contract.amqp import next_message, raw_channel, without_topology
from tests.ports import free_port
from tests.servers.rabbitmq import ALARMS
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.ports import Delivery
    from tests.servers.rabbitmq import RabbitServer

CONSUME_FOREVER = """
import asyncio, sys
from shared.bus.rabbitmq.bus import RabbitBus

async def hold(delivery):
    print(delivery.wakeup.job_id, flush=True)
    await asyncio.Event().wait()

async def main():
    async with RabbitBus(sys.argv[1]) as bus, bus.consume(hold, prefetch=1):
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Inbox:
    """A handler that passes deliveries to the test."""

    def __init__(self, *, held: bool = False) -> None:
        """With `held`, the handler waits until `may_end` is set."""
        self.may_end = asyncio.Event()
        if not held:
            self.may_end.set()
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    async def __call__(self, delivery: Delivery) -> None:
        self._deliveries.put_nowait(delivery)
        await self.may_end.wait()

    async def next(self) -> Delivery:
        return await asyncio.wait_for(self._deliveries.get(), 30)


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "LONGEST_BACKOFF", 0.4)


@pytest.fixture
async def url(broker_url: str) -> AsyncIterator[str]:
    async with without_topology(broker_url):
        yield broker_url


@pytest.fixture
def killable_url(killable_rabbit: RabbitServer) -> Iterator[str]:
    with killable_rabbit.fresh_vhost() as url:
        yield url


async def publish(bus: RabbitBus, count: int) -> set[WakeUp]:
    wakeups = {WakeUp(uuid4()) for _ in range(count)}
    for wakeup in wakeups:
        await bus.publish(wakeup)
    return wakeups


async def publish_until_confirmed(bus: RabbitBus, wakeup: WakeUp) -> None:
    """Publish like a relay: repeat until it is confirmed."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await bus.publish(wakeup)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


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


async def test_the_deliveries_of_a_killed_consumer_go_to_another_immediately(url: str) -> None:
    wakeup = WakeUp(uuid4())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONSUME_FOREVER, url, stdout=asyncio.subprocess.PIPE
    )
    inbox = Inbox()
    async with RabbitBus(url) as bus:
        await bus.publish(wakeup)
        assert process.stdout
        assert await process.stdout.readline() == f"{wakeup.job_id}\n".encode()
        async with bus.consume(inbox, prefetch=1):
            process.kill()
            await process.communicate()
            delivery = await inbox.next()
            assert delivery.wakeup == wakeup
            await delivery.ack()


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


async def test_a_message_has_readable_properties(url: str) -> None:
    wakeup = WakeUp(uuid4())
    trace = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01", "a=1")
    ids = Ids("request-1", uuid4(), wakeup.job_id, 2, trace)
    async with RabbitBus(url) as bus, raw_channel(url) as channel:
        with bound_ids(ids):
            await bus.publish(wakeup)
        message = await next_message(channel, WAITING)
    assert WakeUp.decode(message.body) == wakeup
    headers = {name: value for name, value in message.headers.items() if name[:2] != "x-"}
    assert headers == {
        "request_id": "request-1",
        "upload_id": str(ids.upload_id),
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "a=1",
    }
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert (message.type, message.app_id) == ("wake-up", "csvmill")
    assert (message.content_type, message.correlation_id) == (
        "application/json",
        str(wakeup.job_id),
    )
    assert message.message_id
    assert message.timestamp


async def test_a_message_that_is_no_wake_up_is_dead_lettered_and_delays_nothing(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()
    async with RabbitBus(url) as bus, raw_channel(url) as channel:
        await bus.ping()
        exchange = await channel.get_exchange(EXCHANGE)
        for body in (b"junk", b"", b'{"version": 2, "job_id": "x"}'):
            await exchange.publish(aio_pika.Message(body, message_id="from-elsewhere"), WAITING)
        wakeups = await publish(bus, 1)
        async with bus.consume(inbox, prefetch=1):
            delivery = await inbox.next()
            assert {delivery.wakeup} == wakeups
            await delivery.ack()
        bodies = [(await next_message(channel, DEAD)).body for _ in range(3)]
    assert sorted(bodies) == sorted([b"junk", b"", b'{"version": 2, "job_id": "x"}'])
    assert "dead-lettered message_id=from-elsewhere: not a wake-up message: b'junk'" in caplog.text


async def test_a_wake_up_that_reaches_no_queue_is_not_confirmed(url: str) -> None:
    wakeup = WakeUp(uuid4())
    async with RabbitBus(url) as bus, raw_channel(url) as channel:
        await bus.ping()
        await (await channel.get_queue(WAITING)).unbind(EXCHANGE, WAITING)
        with pytest.raises(BrokerUnavailable):
            await bus.publish(wakeup)
        # The next publish declares the queue again.
        await bus.publish(wakeup)
        assert WakeUp.decode((await next_message(channel, WAITING)).body) == wakeup


async def test_a_consumer_whose_queue_was_deleted_declares_it_again(url: str) -> None:
    inbox = Inbox()
    async with (
        RabbitBus(url) as bus,
        raw_channel(url) as channel,
        bus.consume(inbox, prefetch=1),
    ):
        await bus.publish(WakeUp(uuid4()))
        await (await inbox.next()).ack()
        await channel.queue_delete(WAITING)
        wakeup = WakeUp(uuid4())
        await publish_until_confirmed(bus, wakeup)
        delivery = await inbox.next()
        assert delivery.wakeup == wakeup
        await delivery.ack()


async def test_many_services_can_start_at_the_same_time(url: str) -> None:
    buses = [RabbitBus(url) for _ in range(8)]
    try:
        await asyncio.gather(*(bus.ping() for bus in buses))
    finally:
        await asyncio.gather(*(bus.close() for bus in buses))
    async with raw_channel(url) as channel:
        for spec in QUEUES:
            await channel.declare_queue(spec.name, passive=True)


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
    async with RabbitBus(killable_url, timeout=0.5) as bus:
        await bus.ping()
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


@pytest.mark.parametrize(
    ("delay", "queue"),
    [
        (0.0, "csvmill.jobs.waiting"),
        (-1.0, "csvmill.jobs.waiting"),
        (0.001, "csvmill.jobs.delayed.1s"),
        (1.0, "csvmill.jobs.delayed.1s"),
        (1.001, "csvmill.jobs.delayed.10s"),
        (60.0, "csvmill.jobs.delayed.1m"),
        (3600.0, "csvmill.jobs.delayed.1h"),
        (1e9, "csvmill.jobs.delayed.1h"),
    ],
)
def test_a_delay_goes_to_the_shortest_queue_that_holds_it(delay: float, queue: str) -> None:
    assert queue_for(delay) == queue
    assert queue in {spec.name for spec in QUEUES}
