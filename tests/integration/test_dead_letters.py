"""A worker is killed between recording the last failure and publishing the dead letter."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING
from uuid import UUID

import psutil
import pytest
from yarl import URL

from processor.attempt.dead_letters import LEFT_TO_WORKERS_FOR
from shared.bus.topology import DEAD, SMALL
from shared.database import connect
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.chaos.proxy import Link
from tests.chunks import send_chunk
from tests.contract.amqp import next_message, raw_channel
from tests.contract.job_stores import open_store
from tests.gate import Gate
from tests.integration.plays import PLAYS
from tests.servers.postgres import fresh_database
from tests.services import Services, line, listening, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

NEVER = 3600.0
"""A relay interval, in seconds, that is longer than a test."""


@pytest.fixture
def services(
    tmp_path: Path, postgres_server: PostgresServer, rabbit_server: RabbitServer
) -> Iterator[Services]:
    """Services on an empty database and an empty virtual host of the broker."""
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as services,
    ):
        yield services


@asynccontextmanager
async def link_to_broker(services: Services) -> AsyncIterator[tuple[Link, str]]:
    """A proxy before the broker, and the broker's URL through it.

    Leaving the context closes the connections. Bytes that a stall holds back are dropped.
    """
    broker = URL(services.broker_url)
    assert broker.port
    async with Link("worker>broker", broker.port).open() as link:
        yield link, str(broker.with_port(link.port))


async def kill_after_recorded_failure(
    worker: ServiceProcess, store: SqlJobStore, job_id: UUID
) -> None:
    """Kill a worker whose link to the broker is stalled, once the failure is in the database."""

    async def failed() -> bool:
        return (await store.get(job_id)).state is JobState.FAILURE

    await until(failed)
    worker.kill()
    assert (await store.get(job_id)).dead_letter_is_due


async def number_of_dead_letters(services: Services) -> int:
    async with raw_channel(services.broker_url) as channel:
        queue = await channel.declare_queue(DEAD, passive=True)
        assert queue.declaration_result.message_count is not None
        return queue.declaration_result.message_count


async def next_dead_letter(services: Services) -> UUID:
    """Take the next message out of the dead-letter queue. Returns the id of its job."""
    async with raw_channel(services.broker_url) as channel:
        return WakeUp.decode((await next_message(channel, DEAD)).body).job_id


async def start_job(
    services: Services, gate: Gate, **settings: object
) -> tuple[UUID, ServiceProcess]:
    """Start a worker, and a job with one attempt in it. Returns when the engine is reading."""
    gateway = services.gateway(max_attempts=1)
    worker = services.processor(blob_dir=gate.blob_dir, **settings)
    await asyncio.to_thread(listening, gateway, worker)
    job_id = UUID((await send_chunk(gateway.url, "failing", PLAYS)).job_id)
    await gate.reached()
    return job_id, worker


async def marked_dead_lettered(store: SqlJobStore, job_id: UUID) -> Job:
    """Wait until the database says that the dead letter was published. Returns the job."""

    async def published() -> bool:
        return not (await store.get(job_id)).dead_letter_is_due

    await until(published)
    return await store.get(job_id)


@pytest.mark.parametrize("wake_up", ["delivered again", "lost"])
async def test_the_dead_letter_of_a_worker_killed_after_the_last_failure_is_published(
    services: Services, tmp_path: Path, wake_up: str
) -> None:
    gate = Gate(tmp_path, "failing", PLAYS)
    with closing(gate):
        listening(services.storage())
        async with open_store(services.database_url) as store:
            async with link_to_broker(services) as (link, broker_url):
                job_id, worker = await start_job(services, gate, broker_url=broker_url)
                # Given a worker whose only attempt fails while it cannot reach the broker
                link.stall()
                for engine in psutil.Process(worker.pid).children(recursive=True):
                    engine.kill()
                # When it is killed after recording the failure, before publishing a dead letter
                await kill_after_recorded_failure(worker, store, job_id)
            async with raw_channel(services.broker_url) as channel:
                returned = await next_message(channel, SMALL)
                assert WakeUp.decode(returned.body) == WakeUp(job_id, small=True)
                assert await number_of_dead_letters(services) == 0
                if wake_up == "delivered again":
                    await channel.default_exchange.publish(returned, SMALL)
            # Then another worker publishes it: when it gets the wake-up, or when its relay finds
            # the dead letter overdue
            if wake_up == "lost":
                await make_overdue(services, job_id)
            with services.processor(relay_interval=NEVER if wake_up != "lost" else 0.3):
                after = await marked_dead_lettered(store, job_id)
            assert after.dead_lettered_at is not None
            assert [attempt.outcome for attempt in await store.attempts(job_id)] == ["failure"]
        assert await next_dead_letter(services) == job_id
        assert await number_of_dead_letters(services) == 0


async def test_the_dead_letter_of_a_worker_killed_after_recording_the_last_loss_is_published(
    services: Services, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, "failing", PLAYS)
    with closing(gate):
        storage = services.storage()
        listening(storage)
        job_id, first = await start_job(services, gate)
        async with open_store(services.database_url) as store:
            async with link_to_broker(services) as (link, broker_url):
                # Given a worker that was killed during the only attempt, and a second worker that
                # has the wake-up and waits for storage until the lease has ended
                first.kill()
                storage.pause()
                worker = services.processor(broker_url=broker_url)
                await line(worker, "storage is unavailable")

                async def lease_has_ended() -> bool:
                    lease_until = (await store.get(job_id)).lease_until
                    return lease_until is not None and lease_until < time.time()

                await until(lease_has_ended)
                link.stall()
                storage.resume()
                # When it is killed after recording the loss, before publishing a dead letter
                await kill_after_recorded_failure(worker, store, job_id)
            assert await number_of_dead_letters(services) == 0
            # Then the next worker that gets the wake-up publishes it
            with services.processor(relay_interval=NEVER):
                assert (await marked_dead_lettered(store, job_id)).dead_lettered_at is not None
            assert [attempt.outcome for attempt in await store.attempts(job_id)] == ["lost"]
        assert await next_dead_letter(services) == job_id


async def make_overdue(services: Services, job_id: UUID) -> None:
    """Make the dead letter so old that a relay no longer leaves it to the workers."""
    database = await connect(services.database_url)
    try:
        await database.write(
            "UPDATE jobs SET dead_letter_due_at = dead_letter_due_at - $2 WHERE id = $1",
            str(job_id),
            LEFT_TO_WORKERS_FOR,
        )
    finally:
        await database.close()
