"""The database and the broker hang, crash, are down, or run out of memory: services recover.

All tests use one deployment.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from csvmill.client import AsyncClient
from processor.maintenance.relay import UNPUBLISHED_FOR
from shared.database import connect
from shared.jobs.job import JobState
from tests.chunks import get, send_chunk
from tests.conftest import killable_server
from tests.contract.job_stores import open_store
from tests.integration.plays import PLAYS
from tests.servers.postgres import PostgresServer, fresh_database
from tests.servers.rabbitmq import ALARMS, RabbitServer
from tests.services import Services, line, listening, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.jobs.job import Job


WAIT = 30.0
BOUND = 15.0
"""Seconds within which a gateway answers during any outage."""
HALF = len(PLAYS) // 2

numbers = count(1)


class Deployment:
    """Storage, a gateway and a processor that are never restarted."""

    def __init__(self, services: Services, postgres: PostgresServer, rabbit: RabbitServer) -> None:
        self.services = services
        self.postgres = postgres
        self.rabbit = rabbit
        self.processes = (services.storage(), services.gateway(), services.processor())
        listening(*self.processes)

    @property
    def gateway(self) -> str:
        return self.processes[1].url

    def check_alive(self) -> None:
        for process in self.processes:
            assert process.returncode is None, process.tail()

    async def finished(self, job_id: str) -> None:
        async with AsyncClient(self.gateway) as client:
            await client.wait(job_id, timeout=WAIT)

    async def job(self, job_id: str) -> Job:
        async with open_store(self.services.database_url) as store:
            return await store.get(UUID(job_id))

    async def pass_time(self, job_id: str, seconds: float) -> None:
        """Make the job older by `seconds`."""
        database = await connect(self.services.database_url)
        try:
            await database.write(
                "UPDATE jobs SET created_at = created_at - $2 WHERE id = $1", job_id, seconds
            )
        finally:
            await database.close()

    async def ready(self) -> bool:
        answers = [await get(f"{process.url}/readyz") for process in self.processes]
        return {answer.status for answer in answers} == {200}

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """After the outage, check that all processes run, are ready, and a new job succeeds."""
        yield
        await until(self.ready)
        job_id = (await send_chunk(self.gateway, f"after-{next(numbers)}", PLAYS)).job_id
        await self.finished(job_id)
        self.check_alive()


@pytest.fixture(scope="module")
def deployment(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    postgres = killable_server(pytestconfig, "killable_postgres", PostgresServer)
    rabbit = killable_server(pytestconfig, "killable_rabbit", RabbitServer)
    with (
        fresh_database(postgres.url) as database_url,
        rabbit.fresh_vhost() as broker_url,
        Services(tmp_path_factory.mktemp("services"), database_url, broker_url) as services,
    ):
        yield Deployment(services, postgres, rabbit)


@pytest.mark.parametrize("how", ["down", "hanging"])
async def test_without_the_database_uploads_continue_and_other_requests_get_503(
    deployment: Deployment, how: str
) -> None:
    gateway, postgres = deployment.gateway, deployment.postgres
    # Given a finished job, and half an upload
    done = (await send_chunk(gateway, f"done-{how}", PLAYS)).job_id
    await deployment.finished(done)
    await send_chunk(gateway, f"half-{how}", PLAYS, stop=10)
    # When the database fails
    async with deployment.outage():
        if how == "down":
            await asyncio.to_thread(postgres.kill)
        else:
            postgres.pause()
        try:
            async with asyncio.timeout(BOUND):
                # Then chunks are accepted
                chunk = await send_chunk(gateway, f"half-{how}", PLAYS, start=10, stop=HALF)
                assert chunk.status == 200
                # And status, download and the last chunk get 503
                readiness, *refusals = await asyncio.gather(
                    get(f"{gateway}/readyz"),
                    get(f"{gateway}/api/file_status/{done}"),
                    get(f"{gateway}/api/download_file/{done}"),
                    send_chunk(gateway, f"half-{how}", PLAYS, start=HALF),
                )
            for refusal in refusals:
                assert refusal.status == 503
                assert int(refusal.headers["Retry-After"]) > 0
                assert refusal.body["message"].startswith("database: ")
            # And readiness names the missing service, liveness does not
            assert readiness.status == 503
            assert readiness.body["database"] != "ok"
            assert (readiness.body["storage"], readiness.body["broker"]) == ("ok", "ok")
            assert (await get(f"{gateway}/healthz")).status == 200
        finally:
            if how == "down":
                await asyncio.to_thread(postgres.start)
            else:
                postgres.resume()
    # And when it works again, repeating the last chunk gives the job
    job_id = (await send_chunk(gateway, f"half-{how}", PLAYS, start=HALF)).job_id
    await deployment.finished(job_id)
    assert (await get(f"{gateway}/api/file_status/{done}")).body["job_status"] == "SUCCESS"


@pytest.mark.parametrize("how", ["down", "hanging", "memory", "disk"])
async def test_without_the_broker_jobs_wait_in_the_table_and_run_afterwards(
    deployment: Deployment, how: str
) -> None:
    gateway, rabbit = deployment.gateway, deployment.rabbit
    async with deployment.outage():
        if how == "down":
            await asyncio.to_thread(rabbit.sync_tables)
            await asyncio.to_thread(rabbit.kill)
        elif how == "hanging":
            rabbit.pause()
        else:
            rabbit.evaluate(ALARMS[how][0])
        try:
            # When an upload is completed, it is accepted in bounded time
            async with asyncio.timeout(BOUND):
                completed, readiness = await asyncio.gather(
                    send_chunk(gateway, f"brokerless-{how}", PLAYS), get(f"{gateway}/readyz")
                )
            job_id = completed.job_id
            waiting = await deployment.job(job_id)
            assert (waiting.state, waiting.published_at) == (JobState.PENDING, None)
            # And readiness names the missing service
            assert readiness.status == 503
            assert readiness.body["broker"] != "ok"
            assert (readiness.body["storage"], readiness.body["database"]) == ("ok", "ok")
        finally:
            if how == "down":
                await asyncio.to_thread(rabbit.start)
            elif how == "hanging":
                rabbit.resume()
            else:
                rabbit.evaluate(ALARMS[how][1])
    # Then the relay wakes the job after a while, without any request
    await deployment.pass_time(job_id, UNPUBLISHED_FOR)
    await deployment.finished(job_id)


async def test_services_started_before_the_database_wait_for_it(
    deployment: Deployment,
) -> None:
    async with deployment.outage():
        await asyncio.to_thread(deployment.postgres.kill)
        try:
            early = (deployment.services.gateway(), deployment.services.processor())
            for process in early:
                await line(process, "waiting for the database")
        finally:
            await asyncio.to_thread(deployment.postgres.start)
        for process in early:
            await line(process, "listening on")
            assert await asyncio.to_thread(process.terminate, WAIT) == 0
