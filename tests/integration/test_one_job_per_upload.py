"""A complete upload becomes exactly one job, even if any process is killed before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from csvmill.client import AsyncClient
from gateway.uploads.upload import upload_id_of
from processor.maintenance.relay import UNPUBLISHED_FOR
from shared.blobs.blob import upload_key
from shared.database import connect
from shared.errors import BlobNotFound
from shared.jobs.job import JobState
from tests.chunks import send_chunk
from tests.integration.plays import PLAYS
from tests.servers.postgres import fresh_database
from tests.services import Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shared.database.port import Database, Row
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

WAIT = 30.0
HALF = len(PLAYS) // 2


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


async def jobs_of(database: Database, dzuuid: str) -> Sequence[Row]:
    upload_id = str(upload_id_of(dzuuid))
    return await database.read("SELECT * FROM jobs WHERE upload_id = $1", upload_id)


async def succeeded(gateway: ServiceProcess, job_id: str) -> bool:
    async with AsyncClient(gateway.url) as client:
        return (await client.wait(job_id, timeout=WAIT)).state == JobState.SUCCESS


async def upload_is_whole(services: Services, dzuuid: str) -> None:
    """Wait until storage has every byte of an upload."""
    async with services.blobs() as blobs:

        async def whole() -> bool:
            try:
                return (await blobs.info(upload_key(upload_id_of(dzuuid)))).complete
            except BlobNotFound:
                return False

        await until(whole)


async def send_until_killed(gateway: ServiceProcess, dzuuid: str, start: int = 0) -> None:
    with pytest.raises(aiohttp.ClientError):
        await send_chunk(gateway.url, dzuuid, PLAYS, start=start)


async def test_the_relay_wakes_the_job_of_a_gateway_killed_after_the_row(
    outages: Services, killable_rabbit: RabbitServer
) -> None:
    first, processor = outages.gateway(), outages.processor()
    listening(first, processor)
    database = await connect(outages.database_url)
    try:
        # Given a gateway that has inserted the job and waits for the broker
        killable_rabbit.pause()
        sending = asyncio.create_task(send_until_killed(first, "unpublished"))

        async def row_exists() -> bool:
            return bool(await jobs_of(database, "unpublished"))

        await until(row_exists)
        # When it is killed, and the broker works again
        first.kill()
        await sending
        killable_rabbit.resume()
        (job,) = await jobs_of(database, "unpublished")
        assert (job["state"], job["published_at"]) == ("PENDING", None)
        # Then the relay wakes the job after a while, without any request
        await database.write(
            "UPDATE jobs SET created_at = created_at - $2 WHERE id = $1", job["id"], UNPUBLISHED_FOR
        )
        other = outages.gateway()
        assert await succeeded(other, job["id"])
        # And a client that repeats the request gets the id of that job
        assert (await send_chunk(other.url, "unpublished", PLAYS)).job_id == job["id"]
        assert len(await jobs_of(database, "unpublished")) == 1
    finally:
        killable_rabbit.resume()
        await database.close()


async def test_repeating_the_last_chunk_of_a_gateway_killed_before_the_row_gives_the_job(
    outages: Services, killable_postgres: PostgresServer
) -> None:
    first, processor = outages.gateway(), outages.processor()
    listening(first, processor)
    try:
        # Given a complete upload, and a gateway that waits for the database
        killable_postgres.pause()
        sending = asyncio.create_task(send_until_killed(first, "rowless"))
        await upload_is_whole(outages, "rowless")
        # When the gateway is killed
        first.kill()
        await sending
    finally:
        killable_postgres.resume()
    # Then repeating the chunk at another gateway creates the job
    other = outages.gateway()
    job_id = (await send_chunk(other.url, "rowless", PLAYS)).job_id
    assert await succeeded(other, job_id)
    database = await connect(outages.database_url)
    try:
        assert [job["id"] for job in await jobs_of(database, "rowless")] == [job_id]
    finally:
        await database.close()


async def test_orphan_recovery_creates_the_job_of_a_killed_gateway_without_its_client(
    outages: Services, killable_postgres: PostgresServer
) -> None:
    # Given a gateway that was killed after the last byte, before it inserted the job
    first, processor = outages.gateway(), outages.processor()
    listening(first, processor)
    try:
        killable_postgres.pause()
        sending = asyncio.create_task(send_until_killed(first, "orphaned"))
        await upload_is_whole(outages, "orphaned")
        first.kill()
        await sending
    finally:
        killable_postgres.resume()
    database = await connect(outages.database_url)
    try:
        assert not await jobs_of(database, "orphaned")
        # When a processor recovers orphans, and no request is sent
        outages.processor(orphan_recovery_interval=0.3, orphan_recovery_after=1)

        async def is_done() -> bool:
            return [job["state"] for job in await jobs_of(database, "orphaned")] == ["SUCCESS"]

        # Then the upload has a job, and it runs
        await until(is_done)
    finally:
        await database.close()


async def test_gateways_that_store_the_last_bytes_at_the_same_time_name_one_job(
    outages: Services, killable_postgres: PostgresServer
) -> None:
    gateways = [outages.gateway(), outages.gateway()]
    listening(*gateways)
    # Given each half sent to two gateways, which all wait for the database
    killable_postgres.pause()
    try:
        sending = [
            asyncio.create_task(
                send_chunk(gateway.url, "contested", PLAYS, start=start, stop=start + HALF + 1)
            )
            for gateway in gateways
            for start in (0, HALF)
        ]
        await upload_is_whole(outages, "contested")
    finally:
        # When the database continues
        killable_postgres.resume()
    answers = await asyncio.gather(*sending)
    # Then all responses with a job name the same job
    assert {answer.status for answer in answers} == {200}
    (job_id,) = {answer.body["job_id"] for answer in answers if "job_id" in answer.body}
    database = await connect(outages.database_url)
    try:
        assert [job["id"] for job in await jobs_of(database, "contested")] == [job_id]
    finally:
        await database.close()
