"""Jobs that are asked of uploads that are there: on real services, whose gateway is killed."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from processor.maintenance.relay import UNPUBLISHED_FOR
from shared.database import connect
from tests.integration.plays import PLAYS
from tests.servers.postgres import fresh_database
from tests.services import Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

SPEC = {"group_by": ["Date"], "aggregates": [{"function": "count", "name": "rows"}]}
RESULT = b"Date,rows\n2026-01-01,34\n2026-01-02,33\n2026-01-03,33\n"
"""Of `PLAYS`: 100 rows, whose dates take turns."""


@pytest.fixture
def outages(
    tmp_path: Path, killable_postgres: PostgresServer, killable_rabbit: RabbitServer
) -> Iterator[Services]:
    """Services on servers that tests may pause."""
    with (
        fresh_database(killable_postgres.url) as database_url,
        killable_rabbit.fresh_vhost() as broker_url,
        Services(tmp_path, database_url, broker_url) as services,
    ):
        listening(services.storage())
        yield services


async def sent(session: aiohttp.ClientSession, url: str, **query: str) -> dict[str, Any]:
    """Upload a file without a job; return the upload."""
    async with session.put(
        f"{url}/api/v1/uploads",
        params={"name": "plays.csv", "job": "false", **query},
        data=BytesIO(PLAYS),
    ) as response:
        assert response.status == 201, await response.text()
        found: dict[str, Any] = await response.json()
    return found


def asking(session: aiohttp.ClientSession, url: str, **more: Any) -> Any:
    body = json.dumps({"inputs": ["plays.csv"], "aggregation": SPEC, **more})
    fields = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    return session.post(f"{url}/api/v1/jobs", data=body, headers=fields)


async def result_of(session: aiohttp.ClientSession, url: str, job_id: str) -> bytes:
    async with session.get(f"{url}/api/v1/jobs/{job_id}", params={"wait": "30"}) as response:
        shown = await response.json()
    assert shown["state"] == "SUCCESS", shown
    async with session.get(f"{url}/api/v1/jobs/{job_id}/result") as response:
        return await response.read()


async def test_the_relay_wakes_an_asked_job_whose_gateway_was_killed_after_the_row(
    outages: Services, killable_rabbit: RabbitServer
) -> None:
    first, processor = outages.gateway(), outages.processor()
    listening(first, processor)
    database = await connect(outages.database_url)
    try:
        async with aiohttp.ClientSession() as session:
            upload = await sent(session, first.url)
            assert (upload["complete"], upload["job"]) == (True, None)
            # Given a gateway that has inserted the job and waits for the broker
            killable_rabbit.pause()

            async def ask() -> None:
                with pytest.raises(aiohttp.ClientError):
                    await asking(session, first.url)

            asks = asyncio.create_task(ask())

            async def row_exists() -> bool:
                return bool(await database.read("SELECT id FROM jobs"))

            await until(row_exists)
            # When it is killed, and the broker works again
            first.kill()
            await asks
            killable_rabbit.resume()
            (job,) = await database.read("SELECT * FROM jobs")
            assert (job["state"], job["published_at"]) == ("PENDING", None)
            # Then the relay wakes the job after a while, without any request
            await database.write(
                "UPDATE jobs SET created_at = created_at - $2 WHERE id = $1",
                job["id"],
                UNPUBLISHED_FOR,
            )
            other = outages.gateway()
            assert await result_of(session, other.url, job["id"]) == RESULT
            # And a client that repeats its request gets that job
            async with asking(session, other.url) as response:
                assert (response.status, (await response.json())["id"]) == (200, job["id"])
            assert len(await database.read("SELECT id FROM jobs")) == 1
    finally:
        killable_rabbit.resume()
        await database.close()


async def test_an_upload_is_asked_again_and_answered_from_what_is_there(
    outages: Services,
) -> None:
    gateway, processor = outages.gateway(), outages.processor()
    listening(gateway, processor)
    async with aiohttp.ClientSession() as session:
        await sent(session, gateway.url, keep="true")
        async with asking(session, gateway.url) as response:
            first = await response.json()
        assert await result_of(session, gateway.url, first["id"]) == RESULT
        body = {"inputs": ["plays.csv"], "aggregation": SPEC}
        for cache, source in ((True, first["id"]), (False, None)):
            async with session.post(
                f"{gateway.url}/api/v1/jobs", json={**body, "cache": cache}
            ) as response:
                job_id = (await response.json())["id"]
            assert await result_of(session, gateway.url, job_id) == RESULT
            async with session.get(f"{gateway.url}/api/v1/jobs/{job_id}") as response:
                assert (await response.json())["cached_from"] == source
