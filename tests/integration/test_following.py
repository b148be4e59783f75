"""Jobs followed through real gateways that shut down, are disconnected or lose their database."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from csvmill.client import AsyncClient, Retries
from csvmill.client.following import EventSource
from shared.jobs.job import JobProgress
from tests.chaos.proxy import Link
from tests.chunks import send_chunk
from tests.contract.job_stores import open_store, result_of
from tests.integration.plays import PLAYS
from tests.metrics import Exposition
from tests.servers.postgres import fresh_database
from tests.services import STOP_TIMEOUT, Services, line, listening, until
from tests.sse import EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from csvmill.client import JobEvent
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer

WAIT = 60.0
CUTS = 6


@pytest.fixture(scope="module")
def quick(services: Services) -> ServiceProcess:
    """A gateway with a short polling interval. Tests must not end it."""
    process = services.gateway(follow_interval=0.05)
    listening(process)
    return process


async def pending_job(gateway: ServiceProcess, dzuuid: str) -> UUID:
    """Create a job that stays pending, because no processor runs."""
    return UUID((await send_chunk(gateway.url, dzuuid, PLAYS)).job_id)


async def claim(store: SqlJobStore, job_id: UUID) -> None:
    now = time.time()
    assert await store.claim(job_id, worker="w", lease_until=now + 60, now=now)


@asynccontextmanager
async def following(
    gateway: ServiceProcess, job_id: UUID, seen: str = ""
) -> AsyncIterator[EventReader]:
    url = f"{gateway.url}/api/v1/jobs/{job_id}/events"
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(url, headers={"Last-Event-ID": seen}) as response,
    ):
        yield EventReader(response)


async def followers(gateway: ServiceProcess) -> float:
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{gateway.url}/metrics") as response,
    ):
        return Exposition.of(await response.text()).value("csvmill_job_followers")


async def test_a_gateway_that_shuts_down_ends_its_streams_and_another_continues_them(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    job_id = await pending_job(gateway, "leaving")
    with services.gateway(shutdown_timeout=10 * STOP_TIMEOUT) as leaving:
        async with following(leaving, job_id) as events:
            first = await events.next()
            # It would wait much longer for other requests.
            assert await asyncio.to_thread(leaving.terminate, STOP_TIMEOUT) == 0
            assert await events.rest() == []
    async with following(gateway, job_id, first.id) as events:
        assert ((await events.next()).kind, first.kind) == ("progress", "state")
        await store.cancel(job_id, now=time.time())
        (end,) = await events.rest()
    assert end.data["state"] == "REVOKED"


async def test_the_disconnect_of_a_client_is_noticed(
    services: Services, gateway: ServiceProcess
) -> None:
    job_id = await pending_job(gateway, "left")
    async with following(gateway, job_id) as events:
        await events.next()
        assert await followers(gateway) == 1

    async def no_follower() -> bool:
        return await followers(gateway) == 0

    await until(no_follower)


@pytest.mark.parametrize("seed", range(3))
async def test_a_client_with_broken_connections_still_sees_the_end_of_each_job(
    quick: ServiceProcess, store: SqlJobStore, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_source: EventSource) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(EventSource, "pause", at_once)
    chance = random.Random(seed)
    job_id = await pending_job(quick, f"cut-{seed}")
    port = URL(quick.url).port
    assert port
    async with Link("events", port).open() as link:
        retries = Retries(attempts=None, within=WAIT, longest_pause=0.1)
        async with AsyncClient(f"http://127.0.0.1:{link.port}", retries=retries) as client:

            async def listen() -> list[JobEvent]:
                return [event async for event in client.events(str(job_id))]

            listening_ = asyncio.create_task(listen())
            done = 0
            for attempt in range(1, CUTS + 1):
                await claim(store, job_id)
                link.cut(after=chance.randrange(1200), reset=chance.random() < 0.5)
                while link.cuts < attempt:
                    done += 1
                    await store.record_progress(job_id, attempt, JobProgress(done))
                    await asyncio.sleep(0.02)
                if attempt < CUTS:
                    await store.release(job_id, attempt, "shutdown", now=time.time())
            link.cut(after=chance.randrange(700), reset=False)
            await store.succeed(job_id, CUTS, result_of(job_id, CUTS), now=time.time())
            async with asyncio.timeout(WAIT):
                seen = await listening_
    order = {"PENDING": 0, "STARTED": 1, "RETRY": 2, "SUCCESS": 3}
    positions = [(event.attempt, order[event.state], event.progress.bytes_done) for event in seen]
    assert positions == sorted(positions)
    assert (seen[-1].state, seen[-1].attempt) == ("SUCCESS", CUTS)


async def test_a_stream_survives_an_outage_of_the_database(
    tmp_path: Path, killable_postgres: PostgresServer, services: Services
) -> None:
    with (
        fresh_database(killable_postgres.url) as database_url,
        Services(tmp_path, database_url, services.broker_url) as own,
    ):
        storage, gateway = own.storage(), own.gateway(follow_heartbeat=0.2)
        listening(storage, gateway)
        job_id = await pending_job(gateway, "outlived")
        async with asyncio.timeout(WAIT), following(gateway, job_id) as events:
            await events.next()
            killable_postgres.kill()
            await line(gateway, "followed jobs are not updated")
            comment = await events.block()
            assert comment is not None
            assert comment.fields == {"": ""}
            await asyncio.to_thread(killable_postgres.start)
            async with open_store(database_url) as store:
                await store.cancel(job_id, now=time.time())
            (end,) = await events.rest()
        assert end.data["state"] == "REVOKED"
