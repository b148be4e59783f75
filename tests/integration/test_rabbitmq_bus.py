"""RabbitMQ as the bus: messages, queues and consumers that go away."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import aio_pika
import pytest

from shared.bus.rabbitmq.bus import RabbitBus
from shared.bus.topology import DEAD, EXCHANGE, QUEUES, WAITING, queue_for
from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import Ids, bound_ids
from shared.telemetry.trace_context import TraceContext
from tests.contract.amqp import next_message, raw_channel, without_topology
from tests.inbox import Inbox
from tests.integration.rabbitmq import publish, publish_until_confirmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("short_backoff")


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


@pytest.fixture
async def url(broker_url: str) -> AsyncIterator[str]:
    async with without_topology(broker_url):
        yield broker_url


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


@pytest.mark.parametrize(
    ("delay", "queue"), [(0.0, "csvmill.jobs.small"), (0.5, "csvmill.jobs.delayed.1s")]
)
def test_a_small_job_has_its_own_queue_but_for_delays(delay: float, queue: str) -> None:
    assert queue_for(delay, small=True) == queue
    assert queue in {spec.name for spec in QUEUES}
