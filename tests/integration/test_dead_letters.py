"""A worker killed after a job's last failure is on record, and before its dead letter is put."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import psutil
import pytest

from processor.attempt.dead_letters import LEFT_TO_WORKERS_FOR
from shared.bus.topology import DEAD, WAITING
from shared.database import connect
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.chunks import send_chunk
from tests.contract.amqp import next_message, raw_channel
from tests.contract.job_stores import open_store
from tests.gate import Gate
from tests.integration.plays import PLAYS
from tests.servers.postgres import fresh_database
from tests.services import Services, line, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

FOREVER = 3600.0
"""Seconds between two looks of a relay that is not to be of help."""


@pytest.fixture
def services(
    tmp_path: Path, postgres_server: PostgresServer, killable_rabbit: RabbitServer
) -> Iterator[Services]:
    """Services on a broker that may be made to hang."""
    with (
        fresh_database(postgres_server.url) as database_url,
        killable_rabbit.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as services,
    ):
        yield services


async def killed_in_between(
    worker: ServiceProcess, store: SqlJobStore, job_id: UUID, broker: RabbitServer
) -> None:
    """Kill a worker that has recorded the failure, and waits for the broker, which hangs."""

    async def failed() -> bool:
        return (await store.get(job_id)).state is JobState.FAILURE

    await until(failed)
    worker.kill()
    broker.resume()
    assert (await store.get(job_id)).dead_letter_is_due


async def number_of_dead_letters(services: Services) -> int:
    async with raw_channel(services.broker_url) as channel:
        queue = await channel.declare_queue(DEAD, passive=True)
        assert queue.declaration_result.message_count is not None
        return queue.declaration_result.message_count


async def dead_letter(services: Services) -> UUID:
    """The job that the next dead letter is about."""
    async with raw_channel(services.broker_url) as channel:
        return WakeUp.decode((await next_message(channel, DEAD)).body).job_id


async def job_in_hand(services: Services, gate: Gate) -> tuple[UUID, ServiceProcess]:
    """A job with a single attempt, and the worker that has it in hand."""
    gateway = services.gateway(max_attempts=1)
    worker = services.processor(blob_dir=gate.blob_dir)
    listening(gateway, worker)
    job_id = UUID((await send_chunk(gateway.url, "failing", PLAYS)).job_id)
    await gate.reached()
    return job_id, worker


async def noted(store: SqlJobStore, job_id: UUID) -> Job:
    """The job, once it is on record that its dead letter is there."""

    async def put() -> bool:
        return not (await store.get(job_id)).dead_letter_is_due

    await until(put)
    return await store.get(job_id)


@pytest.mark.parametrize("wake_up", ["delivered again", "lost"])
async def test_the_dead_letter_of_a_worker_killed_after_the_last_failure_is_published(
    services: Services, killable_rabbit: RabbitServer, tmp_path: Path, wake_up: str
) -> None:
    gate = Gate(tmp_path, "failing", PLAYS)
    with closing(gate):
        listening(services.storage())
        job_id, victim = await job_in_hand(services, gate)
        async with open_store(services.database_url) as store:
            try:
                # Given a worker whose only attempt fails while the broker hangs
                killable_rabbit.pause()
                for engine in psutil.Process(victim.pid).children(recursive=True):
                    engine.kill()
                # When it is killed with the failure on record, and no dead letter put
                await killed_in_between(victim, store, job_id, killable_rabbit)
            finally:
                killable_rabbit.resume()
            async with raw_channel(services.broker_url) as channel:
                returned = await next_message(channel, WAITING)
                assert WakeUp.decode(returned.body) == WakeUp(job_id)
                assert await number_of_dead_letters(services) == 0
                if wake_up == "delivered again":
                    await channel.default_exchange.publish(returned, WAITING)
            # Then another sees to it: the one that is woken, or a relay when it is time
            if wake_up == "lost":
                await make_older(services, job_id)
            with services.processor(relay_interval=FOREVER if wake_up != "lost" else 0.3):
                after = await noted(store, job_id)
            assert after.dead_lettered_at is not None
            assert [attempt.outcome for attempt in await store.attempts(job_id)] == ["failure"]
        assert await dead_letter(services) == job_id
        assert await number_of_dead_letters(services) == 0


async def test_the_dead_letter_of_a_worker_killed_after_recording_the_last_loss_is_published(
    services: Services, killable_rabbit: RabbitServer, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, "failing", PLAYS)
    with closing(gate):
        storage = services.storage()
        listening(storage)
        job_id, first = await job_in_hand(services, gate)
        async with open_store(services.database_url) as store:
            # Given a worker that was killed in the only attempt, and another that has the wake-up
            # and waits for storage until the lease is over
            first.kill()
            storage.pause()
            victim = services.processor()
            await line(victim, "storage is unavailable")

            async def lease_is_over() -> bool:
                lease_until = (await store.get(job_id)).lease_until
                return lease_until is not None and lease_until < time.time()

            await until(lease_is_over)
            try:
                killable_rabbit.pause()
                storage.resume()
                # When it is killed with the loss on record, and no dead letter put
                await killed_in_between(victim, store, job_id, killable_rabbit)
            finally:
                killable_rabbit.resume()
            # Then the next worker that is woken publishes it
            with services.processor(relay_interval=FOREVER):
                assert (await noted(store, job_id)).dead_lettered_at is not None
            assert [attempt.outcome for attempt in await store.attempts(job_id)] == ["lost"]
        assert await dead_letter(services) == job_id


async def make_older(services: Services, job_id: UUID) -> None:
    """Have the time pass for which a relay leaves a dead letter to workers."""
    database = await connect(services.database_url)
    try:
        await database.write(
            "UPDATE jobs SET dead_letter_due_at = dead_letter_due_at - $2 WHERE id = $1",
            str(job_id),
            LEFT_TO_WORKERS_FOR,
        )
    finally:
        await database.close()
