"""Tenants take turns on real processors, a broker and a database, also if processors are killed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.access.tenant import Tenant
from shared.blobs.blob import upload_key
from shared.bus.publish import publish_wake_up
from shared.bus.rabbitmq.bus import RabbitBus
from shared.database import connect
from shared.jobs.job import SONG_PLAYS, AttemptOutcome, JobState
from shared.jobs.wake_up import WakeUp
from tests.integration.plays import PLAYS, RESULT
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from shared.database.port import Database
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.services import Services

    Create = Callable[[Tenant, int], Awaitable[list[Job]]]

TIMEOUT = 90.0
LIMIT = 2


@pytest.fixture
async def create(services: Services, store: SqlJobStore) -> AsyncIterator[Create]:
    """Creates jobs of a tenant, with their inputs and wake-ups."""
    async with services.blobs() as blobs, RabbitBus(services.broker_url) as bus:

        async def pieces() -> AsyncIterator[bytes]:
            yield PLAYS

        async def create_one(tenant: Tenant) -> Job:
            upload_id = uuid4()
            key = upload_key(upload_id)
            await blobs.create(key, len(PLAYS))
            await blobs.write(key, 0, pieces())
            job = await store.create(
                upload_id=upload_id,
                input_key=key,
                input_size=len(PLAYS),
                filename="plays.csv",
                aggregation=SONG_PLAYS,
                max_attempts=5,
                now=time.time(),
                tenant=tenant,
            )
            await publish_wake_up(bus, store, WakeUp.of(job), time.time)
            return job

        async def create(tenant: Tenant, number: int) -> list[Job]:
            return [await create_one(tenant) for _ in range(number)]

        yield create


@pytest.fixture
async def database(services: Services) -> AsyncIterator[Database]:
    """The database of the services."""
    database = await connect(services.database_url)
    yield database
    await database.close()


async def succeeded(store: SqlJobStore, jobs: Sequence[Job]) -> int:
    found = await store.get_many([job.id for job in jobs])
    assert all(job.state is not JobState.FAILURE for job in found.values())
    return sum(job.state is JobState.SUCCESS for job in found.values())


async def test_the_only_job_of_a_tenant_is_claimed_before_the_many_of_another(
    services: Services, store: SqlJobStore, create: Create
) -> None:
    jobs = [*await create(Tenant("many"), 60), *await create(Tenant("few"), 1)]
    with services.processor():

        async def all_succeeded() -> bool:
            return await succeeded(store, jobs) == len(jobs)

        await until(all_succeeded, TIMEOUT)
    started = {job.id: (await store.attempts(job.id))[0].started_at for job in jobs}
    order = sorted(jobs, key=lambda job: started[job.id])
    assert [job.tenant for job in order].index(Tenant("few")) <= 1
    assert all([len(await store.attempts(job.id)) == 1 for job in jobs])


async def test_killed_processors_lose_and_double_nothing_and_no_limit_is_exceeded(
    services: Services, store: SqlJobStore, database: Database, create: Create
) -> None:
    limited, free = Tenant("limited"), Tenant("free")
    await database.write(
        "INSERT INTO tenants (tenant, weight, max_running) VALUES ($1, $2, $3)", limited, 3, LIMIT
    )
    jobs = [*await create(limited, 40), *await create(free, 20)]
    most = 0

    async def reached(number: int) -> None:
        nonlocal most

        async def condition() -> bool:
            nonlocal most
            (row,) = await database.read(
                "SELECT COUNT(*) AS running FROM jobs WHERE state = 'STARTED' AND tenant = $1",
                limited,
            )
            most = max(most, row["running"])
            return await succeeded(store, jobs) >= number

        await until(condition, TIMEOUT)

    processors = [services.processor(small_jobs=3, lease=5) for _ in range(3)]
    for number in (5, 15, 25):
        await reached(number)
        processors.pop(0).kill()
        processors.append(services.processor(small_jobs=3, lease=5))
    await reached(len(jobs))
    assert 1 <= most <= LIMIT
    async with services.blobs() as blobs:
        for job in await asyncio.gather(*(store.get(job.id) for job in jobs)):
            assert job.result is not None
            async with blobs.open(job.result.key) as content:
                assert b"".join([piece async for piece in content]) == RESULT
            outcomes = [attempt.outcome for attempt in await store.attempts(job.id)]
            assert outcomes.count(AttemptOutcome.SUCCESS) == 1
            assert set(outcomes) <= {AttemptOutcome.SUCCESS, AttemptOutcome.LOST}
    for processor in processors:
        processor.kill()
