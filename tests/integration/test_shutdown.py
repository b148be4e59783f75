"""SIGTERM during work: nothing is lost, and the process ends in time with status 0."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import psutil
import pytest

from csvmill.client import AsyncClient
from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from shared.blobs.layout import blob_folder
from shared.jobs.job import JobState
from tests.chunks import send_chunk
from tests.gate import Gate
from tests.integration.plays import PLAYS, song_plays
from tests.ports import free_port
from tests.servers.postgres import fresh_database
from tests.services import STOP_TIMEOUT, Services, line, listening, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.servers.postgres import PostgresServer

WAIT = 30.0
LARGE = song_plays(200_000)
"""More bytes than services buffer before they write."""


class SlowUpload:
    """A whole file as one chunk. Its second half is sent after `resume`."""

    def __init__(self, url: str, dzuuid: str) -> None:
        self._resumed = asyncio.Event()
        self._url = url
        self._dzuuid = dzuuid

    def resume(self) -> None:
        self._resumed.set()

    async def send(self) -> str:
        """Send the upload; return the job's id. Raises aiohttp.ClientError."""
        boundary = "slow"
        fields = {
            "dzuuid": self._dzuuid,
            "dzchunkbyteoffset": "0",
            "dzchunksize": str(len(LARGE) + 1),
            "dztotalfilesize": str(len(LARGE)),
        }
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="file"; filename="plays.csv"\r\n\r\n'
        )

        async def body() -> AsyncIterator[bytes]:
            yield head.encode()
            yield LARGE[: len(LARGE) // 2]
            await self._resumed.wait()
            yield LARGE[len(LARGE) // 2 :]
            yield f"\r\n--{boundary}--\r\n".encode()

        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.post(
                f"{self._url}/api/upload_file",
                data=body(),
                headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            ) as response,
        ):
            return str((await response.json())["job_id"])


@asynccontextmanager
async def half_sent(
    services: Services, gateway: ServiceProcess, dzuuid: str
) -> AsyncIterator[tuple[SlowUpload, asyncio.Task[str]]]:
    """Start an upload and wait until storage writes its first half."""
    upload = SlowUpload(gateway.url, dzuuid)
    sending = asyncio.create_task(upload.send())
    folder = blob_folder(services.data_dir, upload_key(upload_id_of(dzuuid)))

    async def being_written() -> bool:
        assert not sending.done(), await sending
        return any(path.stat().st_blocks > 0 for path in folder.glob("partial.*"))

    await until(being_written)
    try:
        yield upload, sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def terminated(process: ServiceProcess) -> int:
    return await asyncio.to_thread(process.terminate, STOP_TIMEOUT)


async def succeeds(gateway: ServiceProcess, job_id: str) -> None:
    async with AsyncClient(gateway.url) as client:
        await client.wait(job_id, timeout=WAIT)


async def test_a_gateway_finishes_the_upload_in_progress_before_it_ends(
    services: Services, store: SqlJobStore
) -> None:
    with services.gateway() as leaving:
        async with half_sent(services, leaving, "finished") as (upload, sending):
            ending = asyncio.create_task(terminated(leaving))
            await until(lambda: refuses_connections(leaving))
            upload.resume()
            job_id = await sending
            assert await ending == 0
        assert (await store.get(UUID(job_id))).state is JobState.PENDING


async def test_a_gateway_with_a_stalled_client_ends_in_time_and_the_chunk_can_be_repeated(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    with services.gateway(shutdown_timeout=0.5) as leaving:
        async with half_sent(services, leaving, "stalled") as (_, sending):
            assert await terminated(leaving) == 0
            with pytest.raises(aiohttp.ClientError):
                await sending
    job_id = (await send_chunk(gateway.url, "stalled", LARGE)).job_id
    assert (await store.get(UUID(job_id))).input_size == len(LARGE)


async def test_storage_finishes_the_chunk_in_progress_before_it_ends(
    tmp_path: Path, services: Services
) -> None:
    # A separate storage service, which the test may end
    with Services(tmp_path, services.database_url, services.broker_url) as own:
        storage, gateway = own.storage(), own.gateway()
        listening(storage, gateway)
        async with half_sent(own, gateway, "storage") as (upload, sending):
            ending = asyncio.create_task(terminated(storage))
            await until(lambda: refuses_connections(storage))
            upload.resume()
            assert await sending
            assert await ending == 0


async def test_storage_with_a_stalled_chunk_ends_in_time_and_the_chunk_can_be_repeated(
    tmp_path: Path, services: Services
) -> None:
    with Services(tmp_path, services.database_url, services.broker_url) as own:
        storage, gateway = own.storage(shutdown_timeout=0.5), own.gateway()
        listening(storage, gateway)
        async with half_sent(own, gateway, "storage-stalled") as (upload, sending):
            assert await terminated(storage) == 0
            upload.resume()
            with pytest.raises(aiohttp.ClientResponseError) as refusal:
                await sending
            assert refusal.value.status == 503
        listening(own.storage())
        assert (await send_chunk(gateway.url, "storage-stalled", LARGE)).job_id


async def test_a_processor_releases_its_job_at_shutdown_and_another_claims_it(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, tmp_path: Path
) -> None:
    # Given a job with a lease of an hour
    gate = Gate(tmp_path, "handed-back", PLAYS)
    with closing(gate), services.processor(blob_dir=gate.blob_dir, lease=3600) as leaving:
        job_id = UUID((await send_chunk(gateway.url, "handed-back", PLAYS)).job_id)
        await gate.reached()
        engines = psutil.Process(leaving.pid).children(recursive=True)
        assert engines
        # When the worker gets SIGTERM
        assert await terminated(leaving) == 0
        # Then the job can be claimed once the worker has ended, and its engine has ended too
        assert (await store.get(job_id)).state is JobState.RETRY
        assert not psutil.wait_procs(engines, timeout=0)[1]
    with services.processor():
        await succeeds(gateway, str(job_id))
    assert [(a.number, a.outcome) for a in await store.attempts(job_id)] == [
        (1, "released"),
        (2, "success"),
    ]


async def test_a_processor_without_a_database_ends_in_time(
    tmp_path: Path, killable_postgres: PostgresServer, services: Services
) -> None:
    gate = Gate(tmp_path, "cut-off", PLAYS)
    with (
        closing(gate),
        fresh_database(killable_postgres.url) as database_url,
        Services(tmp_path / "services", database_url, services.broker_url) as own,
    ):
        storage, gateway = own.storage(), own.gateway()
        leaving = own.processor(blob_dir=gate.blob_dir)
        listening(storage, gateway, leaving)
        await send_chunk(gateway.url, "cut-off", PLAYS)
        await gate.reached()
        engines = psutil.Process(leaving.pid).children(recursive=True)
        killable_postgres.pause()
        try:
            assert await terminated(leaving) == 0
        finally:
            killable_postgres.resume()
        assert not psutil.wait_procs(engines, timeout=0)[1]


async def test_a_service_that_waits_for_its_database_ends_on_sigterm(
    tmp_path: Path,
) -> None:
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/x"
    with Services(tmp_path, nowhere, f"amqp://127.0.0.1:{free_port()}/") as own:
        waiting = [own.gateway(), own.processor()]
        for process in waiting:
            await line(process, "waiting for the database")
            assert await terminated(process) == 0


async def refuses_connections(process: ServiceProcess) -> bool:
    """Return whether a service is shutting down."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{process.url}/healthz"):
            return False
    except aiohttp.ClientConnectionError:
        return True
