"""The relay with a real queue: it publishes again only wake-ups that the queue has lost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from processor.maintenance.relay import Relay
from shared.bus.rabbitmq.bus import RabbitBus
from shared.bus.topology import WAITING
from shared.jobs.wake_up import WakeUp
from tests.contract.amqp import next_message, raw_channel
from tests.contract.job_stores import make_job, open_store
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aio_pika.abc import AbstractChannel

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from shared.ports import Delivery
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

AN_HOUR = 3600.0
LOST_AFTER = 300.0


@pytest.fixture
def url(rabbit_server: RabbitServer) -> Iterator[str]:
    with rabbit_server.fresh_vhost() as url:
        yield url


@pytest.fixture
async def bus(url: str) -> AsyncIterator[RabbitBus]:
    async with RabbitBus(url) as bus:
        yield bus


@pytest.fixture
async def store(postgres_server: PostgresServer) -> AsyncIterator[SqlJobStore]:
    with fresh_database(postgres_server.url) as url:
        async with open_store(url) as store:
            yield store


def relay(store: SqlJobStore, bus: RabbitBus) -> Relay:
    return Relay(store, bus, interval=1.0, lost_after=LOST_AFTER, clock=time.time)


async def published_job(store: SqlJobStore, bus: RabbitBus | None, ago: float) -> Job:
    """Create a job published `ago` seconds ago. With a bus, its wake-up is in the queue."""
    then = time.time() - ago
    job = await make_job(store, now=then)
    if bus is not None:
        await bus.publish(WakeUp(job.id))
    await store.mark_published(job.id, then)
    return job


async def waiting(channel: AbstractChannel) -> int | None:
    queue = await channel.declare_queue(WAITING, passive=True)
    return queue.declaration_result.message_count


async def test_a_backlog_is_not_published_again_and_lost_wake_ups_are(
    store: SqlJobStore, bus: RabbitBus, url: str
) -> None:
    # Given jobs that have waited in the queue for an hour
    for _ in range(3):
        await published_job(store, bus, ago=AN_HOUR)
    async with raw_channel(url) as channel:
        # Then no relay adds to the queue
        assert await relay(store, bus).wake_overdue() == 0
        assert await waiting(channel) == 3
        # When the broker has lost them, each is published once more
        await (await channel.get_queue(WAITING)).purge()
        assert await relay(store, bus).wake_overdue() == 3
        assert await relay(store, bus).wake_overdue() == 0
        assert await waiting(channel) == 3


async def test_a_lost_wake_up_is_published_again_although_the_queue_is_never_empty(
    store: SqlJobStore, bus: RabbitBus, url: str
) -> None:
    # Given a job whose wake-up was lost an hour ago, and a queue of later ones
    lost = await published_job(store, None, ago=AN_HOUR)
    first, second = [await published_job(store, bus, ago=0.0) for _ in range(2)]
    assert await relay(store, bus).wake_overdue() == 0
    # When a processor has handled one of those
    deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
    async with bus.consume(deliveries.put, prefetch=1), asyncio.timeout(30):
        assert (await deliveries.get()).wakeup.job_id == first.id
        assert await relay(store, bus).wake_overdue() == 1
    async with raw_channel(url) as channel:
        left = {(await next_message(channel, WAITING)).correlation_id for _ in range(3)}
    assert left == {str(job.id) for job in (lost, first, second)}
