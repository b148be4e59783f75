"""The database, then the broker, is down for a minute while clients upload: services recover."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import aiohttp
import pytest

from csvmill.client import AsyncClient
from tests.chunks import get, send_chunk
from tests.integration.plays import result_of, song_plays
from tests.servers.postgres import fresh_database
from tests.services import Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes import ServiceProcess
    from tests.servers.base import PrivateServer
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

OUTAGE = 60.0
"""Seconds."""
RESUMED = 90.0
"""Seconds until all jobs of before and during the outage have finished, at most."""
BETWEEN = 2.0
"""Seconds between two uploads of a client."""
BOUND = 15.0
"""Seconds within which a gateway answers during any outage."""


@dataclass
class Clients:
    """Clients that upload files one after the other, and repeat each chunk until it is accepted."""

    gateway: ServiceProcess
    refused: int = 0
    jobs: dict[str, bytes] = field(default_factory=dict)
    """The content of each job's input."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, name: str) -> None:
        for number in count():
            if self.over.is_set():
                return
            content = song_plays(300 + number)
            half = len(content) // 2
            dzuuid = f"{name}-{number}"
            await self._send(dzuuid, content, 0, half)
            self.jobs[await self._send(dzuuid, content, half, None)] = content
            await asyncio.sleep(BETWEEN)

    async def _send(self, dzuuid: str, content: bytes, start: int, stop: int | None) -> str:
        while True:
            async with asyncio.timeout(BOUND):
                answer = await send_chunk(self.gateway.url, dzuuid, content, start=start, stop=stop)
            if answer.status == 200:
                return str(answer.body.get("job_id"))
            assert answer.status == 503, answer
            assert int(answer.headers["Retry-After"]) > 0
            self.refused += 1
            await asyncio.sleep(0.3)


@pytest.fixture
def services(
    tmp_path: Path, killable_postgres: PostgresServer, killable_rabbit: RabbitServer
) -> Iterator[Services]:
    with (
        fresh_database(killable_postgres.url) as database_url,
        killable_rabbit.fresh_vhost() as broker_url,
        Services(tmp_path / "services", database_url, broker_url) as started,
    ):
        yield started


@pytest.mark.long
@pytest.mark.parametrize("which", ["database", "broker"])
async def test_an_outage_of_a_minute_only_delays_jobs(
    services: Services,
    killable_postgres: PostgresServer,
    killable_rabbit: RabbitServer,
    which: str,
) -> None:
    server: PrivateServer = killable_postgres if which == "database" else killable_rabbit
    processes: tuple[ServiceProcess, ...] = (
        services.storage(),
        services.gateway(),
        services.processor(),
    )
    listening(*processes)
    gateway = processes[1]
    clients = Clients(gateway)
    working = [asyncio.create_task(clients.work(name)) for name in ("a", "b")]
    await until(lambda: _done(gateway, clients, at_least=2))
    if which == "broker":
        await asyncio.to_thread(killable_rabbit.sync_tables)
    # When it is down for a minute, while clients continue
    await asyncio.to_thread(server.stop)
    finished_before = len(clients.jobs)
    # (and other services are started, which wait for the missing one)
    late = (services.gateway(), services.processor())
    processes += late
    left_at = time.monotonic()
    while time.monotonic() - left_at < OUTAGE:
        async with asyncio.timeout(BOUND):
            assert (await get(f"{gateway.url}/healthz")).status == 200
            assert (await get(f"{gateway.url}/readyz")).body[which] != "ok"
        assert all(process.returncode is None for process in processes)
        assert not any(task.done() for task in working), working
        await asyncio.sleep(1)
    if which == "database":
        assert clients.refused
    else:
        assert len(clients.jobs) > finished_before, "no upload was completed without the broker"
    await asyncio.to_thread(server.start)
    # Then they are served again, and every job ends by itself with the correct result
    clients.over.set()
    async with asyncio.timeout(RESUMED):
        await asyncio.gather(*working)
    await until(lambda: _done(gateway, clients, at_least=len(clients.jobs)), timeout=RESUMED)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for job_id, content in clients.jobs.items():
            async with session.get(f"{gateway.url}/api/download_file/{job_id}") as response:
                assert await response.read() == result_of(content)
    # Services started during the outage serve too, and no process has ended
    listening(*late)
    async with asyncio.timeout(BOUND):
        assert (await get(f"{late[0].url}/readyz")).status == 200
    assert all(process.returncode is None for process in processes)


async def _done(gateway: ServiceProcess, clients: Clients, *, at_least: int) -> bool:
    async with AsyncClient(gateway.url) as client:
        states = [(await client.job(job_id)).state for job_id in list(clients.jobs)]
    return states.count("SUCCESS") >= at_least
