"""Services of two versions at once, as during an upgrade: what the rules for new versions rest on.

There is one version of the code here. The other one is in what it leaves behind: a schema with
additions that this version does not know, messages with fields that it does not know, and rows
without the columns that this version has added.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aio_pika
import aiohttp
import pytest

from shared.bus.topology import EXCHANGE, SMALL
from shared.database import connect
from shared.database.migrate import migrate
from shared.database.scripts import Migration, load_migrations
from tests.contract.amqp import raw_channel
from tests.integration.plays import result_of, song_plays
from tests.servers.postgres import fresh_database
from tests.services import STOP_TIMEOUT, Services, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.database.port import Database
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

OLDER = 15
"""The last migration of the version before. Set it to the newest one at each release."""
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    rabbit_server: RabbitServer,
) -> Iterator[Services]:
    with (
        fresh_database(postgres_server.url) as database_url,
        rabbit_server.fresh_vhost() as broker_url,
        Services(tmp_path_factory.mktemp("versions"), database_url, broker_url) as started,
    ):
        asyncio.run(extend(database_url))
        listening(started.storage())
        yield started


async def extend(database_url: str) -> None:
    """Migrate a database to this version, and add to every table as a newer one would."""
    database = await connect(database_url)
    try:
        await migrate(database)
        rows = await database.read(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'schema_migrations'"
        )
        assert len(rows) > 10
        additions = [
            f"ALTER TABLE {row['tablename']} ADD COLUMN of_the_future TEXT,"
            " ADD COLUMN counts_of_the_future INTEGER NOT NULL DEFAULT 7"
            for row in rows
        ]
        newer = Migration(9999, "9999_future", tuple(additions), "checksum of the future")
        await migrate(database, [*load_migrations(), newer])
    finally:
        await database.close()


@contextmanager
def processor(services: Services, **settings: object) -> Iterator[None]:
    """Run a processor within the context: the jobs of each test are for its own."""
    process = services.processor(**settings)
    try:
        yield
    finally:
        process.terminate(STOP_TIMEOUT)


@pytest.fixture(scope="module")
def gateways(services: Services) -> tuple[ServiceProcess, ServiceProcess]:
    """Two gateways, one of which offers uploads to processors while they come."""
    both = services.gateway(), services.gateway(head_start_size=1000)
    listening(*both)
    return both


@pytest.fixture
async def database(services: Services) -> AsyncIterator[Database]:
    opened = await connect(services.database_url)
    try:
        yield opened
    finally:
        await opened.close()


async def begin(session: aiohttp.ClientSession, gateway: ServiceProcess, size: int) -> str:
    """Create an upload by tus; return its path."""
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": "filename cGxheXMuY3N2"}
    async with session.post(f"{gateway.url}/api/tus/", headers=headers) as response:
        assert response.status == 201, await response.text()
        return urlsplit(response.headers["Location"]).path


async def append(
    session: aiohttp.ClientSession, gateway: ServiceProcess, path: str, offset: int, data: bytes
) -> str | None:
    """Send bytes of an upload; return the path of its job if they were the last."""
    headers = {
        **TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
    }  # fmt: skip
    async with session.patch(f"{gateway.url}{path}", data=data, headers=headers) as response:
        assert response.status == 204, await response.text()
        return response.headers.get("Csvmill-Job")


async def send_by_both(
    session: aiohttp.ClientSession, gateways: tuple[ServiceProcess, ServiceProcess], content: bytes
) -> str:
    """Begin an upload at one gateway and finish it at the other; return the path of its job."""
    first, second = gateways
    half = len(content) // 2
    path = await begin(session, first, len(content))
    assert await append(session, first, path, 0, content[:half]) is None
    job = await append(session, second, path, half, content[half:])
    assert job is not None
    return job


async def result_at(session: aiohttp.ClientSession, gateway: ServiceProcess, job: str) -> bytes:
    """Wait for the end of a job, and return its result."""
    async with session.get(f"{gateway.url}{job}", params={"wait": "60"}) as response:
        shown = await response.json()
    assert shown["state"] == "SUCCESS", shown
    async with session.get(f"{gateway.url}{job}/result") as response:
        assert response.status == 200
        return await response.read()


async def columns_since(database: Database, older: int) -> set[str]:
    """Return the columns of `jobs` that migrations after the number `older` have added."""
    text = "\n".join(
        statement
        for migration in load_migrations()
        if migration.version > older
        for statement in migration.statements
    )
    added = set(re.findall(r"^ALTER TABLE jobs ADD COLUMN (\w+)", text, re.MULTILINE))
    rows = await database.read(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'jobs'"
    )
    assert added
    assert added <= {row["column_name"] for row in rows}
    return added


async def publish(services: Services, body: dict[str, Any]) -> None:
    """Put a message into the queue of small jobs in place of all that are there."""
    async with raw_channel(services.broker_url) as channel:
        await (await channel.get_queue(SMALL)).purge()
        exchange = await channel.get_exchange(EXCHANGE)
        message = aio_pika.Message(
            json.dumps(body).encode(), headers={"newer": "yes"}, type="wake-up of the future"
        )
        await exchange.publish(message, SMALL)


async def test_uploads_and_jobs_pass_through_services_that_do_not_know_the_newest_schema(
    services: Services, gateways: tuple[ServiceProcess, ServiceProcess], database: Database
) -> None:
    content = song_plays(500)
    async with aiohttp.ClientSession() as session:
        job = await send_by_both(session, gateways, content)
        with processor(services, head_starts=0):
            for gateway in gateways:
                assert await result_at(session, gateway, job) == result_of(content)
                for path in ("/api/v1/jobs", "/api/v1/uploads"):
                    async with session.get(f"{gateway.url}{path}") as response:
                        assert response.status == 200, await response.text()
    # What the newer version has added has its default.
    rows = await database.read("SELECT of_the_future, counts_of_the_future FROM jobs")
    assert {(row["of_the_future"], row["counts_of_the_future"]) for row in rows} == {(None, 7)}


async def test_a_job_of_an_older_gateway_is_run_by_a_newer_processor(
    services: Services, gateways: tuple[ServiceProcess, ServiceProcess], database: Database
) -> None:
    content = song_plays(300)
    async with aiohttp.ClientSession() as session:
        job = await send_by_both(session, gateways, content)
        # As the older gateway would have left the row
        defaults = ", ".join(
            f"{name} = DEFAULT" for name in sorted(await columns_since(database, OLDER))
        )
        await database.write(
            f"UPDATE jobs SET {defaults} WHERE id = $1",  # noqa: S608
            job.rpartition("/")[2],
        )
        with processor(services):
            assert await result_at(session, gateways[0], job) == result_of(content)


async def test_a_wake_up_with_fields_of_a_newer_gateway_starts_its_job(
    services: Services, gateways: tuple[ServiceProcess, ServiceProcess]
) -> None:
    content = song_plays(200)
    async with aiohttp.ClientSession() as session:
        job = await send_by_both(session, gateways, content)
        await publish(
            services,
            {
                "version": 1,
                "job_id": job.rpartition("/")[2],
                "small": True,
                "priority": {"of": "the future"},
            },
        )
        with processor(services):
            assert await result_at(session, gateways[0], job) == result_of(content)


async def test_a_job_whose_wake_up_no_processor_can_read_is_woken_again(
    services: Services, gateways: tuple[ServiceProcess, ServiceProcess]
) -> None:
    content = song_plays(100)
    async with aiohttp.ClientSession() as session:
        job = await send_by_both(session, gateways, content)
        await publish(services, {"version": 2, "job": job.rpartition("/")[2]})
        with processor(services, wake_up_lost_after=1):
            assert await result_at(session, gateways[0], job) == result_of(content)
