"""Two storage servers on one object storage, one of which is killed: real processes and signals."""

from __future__ import annotations

import asyncio
import base64
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest

from csvmill.client import AsyncClient
from shared.blobs.blob import BlobKey
from shared.blobs.layout import blob_folder
from shared.blobs.listener import NullBlobListener
from shared.database import connect
from shared.http.object_storage import ObjectStorageSettings
from storage.s3.bucket import Bucket
from storage.s3.names import Names
from storage.s3.remote import RemoteBlobs
from tests.blob_backends import BUCKET, object_storage
from tests.integration.plays import result_of, song_plays
from tests.ports import free_port
from tests.servers.postgres import fresh_database
from tests.services import STOP_TIMEOUT, Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.processes import ServiceProcess
    from tests.servers.object_storage import ObjectStorage
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

pytestmark = pytest.mark.long

PART = 5 << 20
"""Bytes of a part in object storage: the least that S3 allows."""
PREFIX = "replicas/"
SOON = 2.0
LATE = 600.0
"""Seconds: long before and long after a server on a busy machine is back."""
WAIT = 60.0
CONTENT = song_plays(420_000)
"""Almost two parts."""
SENT = PART + 1000
"""Bytes that are sent before the server is killed."""
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Cluster:
    """Two storage servers on one object storage, a gateway and a processor."""

    services: Services
    ports: tuple[int, int]
    settings: dict[str, object]
    storages: list[ServiceProcess]
    gateway: ServiceProcess

    def folder(self, number: int) -> Path:
        """The disk of a storage server."""
        return self.services.data_dir.with_name(f"data-{number}")

    def start(self, number: int) -> ServiceProcess:
        """Start a storage server with its disk and its port."""
        return self.services.storage(
            **self.settings, storage_port=self.ports[number], data_dir=self.folder(number)
        )

    async def parts(self, key: BlobKey) -> int:
        """Return how many parts of an upload are in object storage."""
        given = {name: value for name, value in self.settings.items() if name.startswith("s3_")}
        async with Bucket(BUCKET, ObjectStorageSettings.model_validate(given)) as bucket:
            remote = RemoteBlobs(bucket, Names(PREFIX), NullBlobListener())
            inflight = await remote.inflight(key)
            if inflight is None:
                return 0
            return len(await bucket.parts(inflight.data, inflight.upload_id))

    async def holder(self) -> tuple[int, BlobKey]:
        """Return the number of the server that receives the only upload, and its key."""
        database = await connect(self.services.database_url)
        try:
            (row,) = await database.read("SELECT key, server FROM blob_places")
        finally:
            await database.close()
        return self.ports.index(int(row["server"].rpartition(":")[2])), BlobKey(row["key"])

    async def places(self) -> int:
        """Return how many blobs have a place."""
        database = await connect(self.services.database_url)
        try:
            return len(await database.read("SELECT key FROM blob_places"))
        finally:
            await database.close()


@contextmanager
def cluster(
    folder: Path,
    postgres: PostgresServer,
    rabbit: RabbitServer,
    objects: ObjectStorage,
    lost_after: float,
) -> Iterator[Cluster]:
    with (
        fresh_database(postgres.url) as database_url,
        rabbit.fresh_vhost() as broker_url,
        Services(folder, database_url, broker_url) as services,
    ):
        ports = free_port(), free_port()
        settings: dict[str, object] = {
            "blobs": f"s3://{BUCKET}/{PREFIX}",
            "blobs_part_size": PART,
            "s3_endpoint": objects.url,
            "s3_access_key_id": objects.access_key,
            "s3_secret_access_key": objects.secret_key,
        }
        urls = ",".join(f"http://127.0.0.1:{port}" for port in ports)
        shared = {"storage_url": urls, "storage_lost_after": lost_after}
        gateway = services.gateway(**shared)
        made = Cluster(services, ports, settings, [], gateway)
        made.storages = [made.start(0), made.start(1)]
        processor = services.processor(**shared, sweep_interval=0.5, orphan_recovery_interval=0.5)
        listening(*made.storages, gateway, processor)
        yield made


@pytest.fixture
def running(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgres_server: PostgresServer,
    rabbit_server: RabbitServer,
) -> Iterator[Cluster]:
    """The parameter is after how many seconds a server is lost."""
    servers = postgres_server, rabbit_server, object_storage()
    with cluster(tmp_path, *servers, request.param) as made:
        yield made


async def created(session: aiohttp.ClientSession, url: str, name: str) -> str:
    """Create a tus upload, waiting until a server takes it; return its URL."""
    headers = {
        **TUS,
        "Upload-Length": str(len(CONTENT)),
        "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
    }

    async def create() -> str | None:
        async with session.post(f"{url}/api/tus/", headers=headers) as response:
            return response.headers["Location"] if response.status == 201 else None

    location = await answered(create)
    return location if location.startswith("http") else f"{url}{location}"


async def answered(ask: Callable[[], Awaitable[str | None]]) -> str:
    """Ask until there is an answer, as a client repeats what was answered 503."""
    answer: str | None = None

    async def has_answered() -> bool:
        nonlocal answer
        answer = await ask()
        return answer is not None

    await until(has_answered, WAIT)
    assert answer is not None
    return answer


async def offset_of(session: aiohttp.ClientSession, upload: str) -> int:
    async def ask() -> str | None:
        async with session.head(upload, headers=TUS) as response:
            assert response.status in (200, 503), response.status
            return response.headers["Upload-Offset"] if response.status == 200 else None

    return int(await answered(ask))


async def send(session: aiohttp.ClientSession, upload: str, start: int, stop: int) -> int:
    headers = {
        **TUS,
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(start),
    }
    async with session.patch(
        upload, data=io.BytesIO(CONTENT[start:stop]), headers=headers
    ) as response:
        return response.status


async def resumed(session: aiohttp.ClientSession, upload: str) -> None:
    """Send what is missing, from the offset that the service tells, until all is there."""

    async def is_sent() -> bool:
        offset = await offset_of(session, upload)
        return await send(session, upload, offset, len(CONTENT)) == 204

    await until(is_sent, WAIT)


async def result(url: str, name: str) -> bytes:
    """Wait for the only job of the file with this name; return its result."""
    async with AsyncClient(url) as client:

        async def has_job() -> bool:
            return bool([job async for job in client.jobs(filename=name)])

        await until(has_job, WAIT)
        (job,) = [job async for job in client.jobs(filename=name)]
        await client.wait(job.id, timeout=WAIT)
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{url}/api/download_file/{job.id}") as response,
    ):
        return await response.read()


@pytest.mark.parametrize("running", [SOON], indirect=True, ids=["soon"])
async def test_an_upload_of_a_killed_server_is_resumed_from_what_is_in_object_storage(
    running: Cluster,
) -> None:
    async with aiohttp.ClientSession() as session:
        upload = await created(session, running.gateway.url, "killed.csv")
        assert await send(session, upload, 0, SENT) == 204
        lost, key = await running.holder()

        async def has_parts_elsewhere() -> bool:
            return await running.parts(key) == 1

        await until(has_parts_elsewhere, WAIT)
        running.storages[lost].kill()

        offset = await offset_of(session, upload)
        assert offset == PART
        assert await running.holder() == (1 - lost, key)
        old = blob_folder(running.folder(lost), key)
        assert old.exists()
        running.storages[lost] = running.start(lost)
        await resumed(session, upload)

        assert await result(running.gateway.url, "killed.csv") == result_of(CONTENT)

        async def is_discarded() -> bool:
            return not old.exists()

        await until(is_discarded, WAIT)

        async def has_no_place() -> bool:
            return await running.places() == 0

        await until(has_no_place, WAIT)


@pytest.mark.parametrize("running", [LATE], indirect=True, ids=["late"])
async def test_a_restart_of_one_server_after_the_other_loses_nothing(running: Cluster) -> None:
    async with aiohttp.ClientSession() as session:
        upload = await created(session, running.gateway.url, "restarted.csv")
        step = len(CONTENT) // 5
        for number in (0, 1):
            offset = await offset_of(session, upload)
            assert await send(session, upload, offset, offset + step) == 204
            assert await asyncio.to_thread(running.storages[number].terminate, STOP_TIMEOUT) == 0
            running.storages[number] = running.start(number)
            await asyncio.to_thread(listening, running.storages[number])
            assert await offset_of(session, upload) == offset + step
        await resumed(session, upload)
        assert await result(running.gateway.url, "restarted.csv") == result_of(CONTENT)
