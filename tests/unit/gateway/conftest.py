"""A gateway on the embedded adapters, called over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from gateway.app import build_app
from gateway.settings import GatewaySettings
from gateway.uploads.upload import upload_id_of
from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import BlobInfo, BlobKey, preview_key, rejects_key, result_key, upload_key
from shared.bus.in_process import InProcessBus
from shared.errors import BlobNotFound, BrokerUnavailable
from shared.http.trailers import TrailerRunner
from shared.jobs.job import SONG_PLAYS, Job, JobRejects, JobResult
from shared.jobs.store import SqlJobStore, open_job_store
from shared.ports import Ports
from shared.runtime.service import READ_BUFFER
from storage.filesystem.blobs import FilesystemBlobs
from tests.unit.gateway.appending import AppendingBlobs
from tests.unit.gateway.described import Described
from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiohttp import web
    from aiohttp.typedefs import Middleware, StrOrURL

    from shared.jobs.job import Aggregation
    from shared.jobs.report import Report
    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus

PART_STORED = {"message": "Chunk file uploaded successfully"}


class RecordingBus:
    """Forwards every call and records published wake-ups; fails while `away`."""

    def __init__(self, bus: Bus) -> None:
        self.published: list[UUID] = []
        self.away = False
        self._bus = bus
        self.consume = bus.consume
        self.ping = bus.ping
        self.lost_before = bus.lost_before
        self.dead_letter = bus.dead_letter

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        if self.away:
            raise BrokerUnavailable("the broker does not answer")
        self.published.append(wakeup.job_id)
        await self._bus.publish(wakeup, delay=delay)


class _ServerAsInProduction(TestServer):
    """Provides the trailers of requests, as `shared.runtime.service` does."""

    async def _make_runner(self, **options: Any) -> TrailerRunner:
        return TrailerRunner(self.app, **options)

    def make_url(self, path: StrOrURL) -> URL:
        url = URL(path)
        return url if url.absolute else super().make_url(url)  # of tus, Location is a URL


@dataclass
class Gateway:
    """A running gateway and its adapters."""

    client: TestClient[web.Request, web.Application]
    blobs: FilesystemBlobs
    jobs: SqlJobStore
    bus: RecordingBus
    keys: dict[str, str] = field(default_factory=dict)
    """API keys with all scopes that a test has stored, by tenant."""
    tenant: Tenant = DEFAULT_TENANT
    """The tenant of the jobs that a test makes."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for raw sockets."""
        return self.client.host, self.client.port or 0

    async def post(self, form: FormBody) -> tuple[int, dict[str, Any]]:
        """Upload a form; return status and body of the response."""
        response = await self.client.post(
            "/api/upload_file",
            data=BytesIO(form.content),
            headers={"Content-Type": form.content_type},
        )
        return response.status, await response.json()

    async def chunk(
        self, dzuuid: str, body: bytes, *, offset: int, size: int, total: int
    ) -> dict[str, Any]:
        """Upload a chunk as Dropzone 6 does; return the body of the response, which must be 200."""
        status, answer = await self.post(dropzone_form(dzuuid, body, offset, size, total))
        assert status == 200, answer
        return answer

    async def stored(self, dzuuid: str) -> BlobInfo | None:
        """Return the blob of an upload, or None."""
        try:
            return await self.blobs.info(upload_key(upload_id_of(dzuuid)))
        except BlobNotFound:
            return None

    async def received(self, dzuuid: str) -> list[tuple[int, int]]:
        """Return the received byte ranges of an upload."""
        blob = await self.stored(dzuuid)
        return [(held.start, held.stop) for held in blob.received] if blob else []

    async def content(self, key: BlobKey) -> bytes:
        """Return all bytes of a complete blob."""
        async with self.blobs.open(key) as pieces:
            return b"".join([piece async for piece in pieces])

    async def job_of(self, answer: dict[str, Any]) -> Job:
        """Return the job of a response."""
        return await self.jobs.get(UUID(answer["job_id"]))

    async def pending_job(
        self,
        filename: str = "plays.csv",
        aggregation: Aggregation = SONG_PLAYS,
        *,
        input_size: int = 1,
    ) -> Job:
        """Return a job that is not claimed."""
        upload_id = uuid4()
        return await self.jobs.create(
            upload_id=upload_id,
            input_key=upload_key(upload_id),
            input_size=input_size,
            filename=filename,
            aggregation=aggregation,
            max_attempts=3,
            now=time.time(),
            tenant=self.tenant,
        )

    async def started_job(
        self, filename: str = "plays.csv", aggregation: Aggregation = SONG_PLAYS
    ) -> Job:
        """Return a job in its first attempt."""
        job = await self.pending_job(filename, aggregation)
        now = time.time()
        claimed = await self.jobs.claim(job.id, worker="w", lease_until=now + 60, now=now)
        assert claimed is not None
        return claimed

    async def finished_job(
        self,
        content: bytes,
        *,
        filename: str = "plays.csv",
        finished_at: float | None = None,
        report: Report | None = None,
        rejects: bytes = b"",
        preview: bytes = b"",
        rows: int = 1,
        aggregation: Aggregation = SONG_PLAYS,
    ) -> Job:
        """Return a job in state SUCCESS whose result is `content`."""
        job = await self.started_job(filename, aggregation)
        key = result_key(job.id, job.attempt)
        result = JobResult(key, len(content), await self.put(key, content), 1, rows)
        if preview:
            await self.put(preview_key(job.id, job.attempt), preview)
        if rejects:
            key = rejects_key(job.id, job.attempt)
            kept = JobRejects(key, len(rejects), await self.put(key, rejects))
            result = replace(result, rejects=kept)
        await self.jobs.succeed(
            job.id, job.attempt, result, now=finished_at or time.time(), report=report
        )
        return await self.jobs.get(job.id)

    async def put(self, key: BlobKey, content: bytes) -> str:
        """Store a blob; return its SHA-256."""

        async def data() -> AsyncIterator[bytes]:
            yield content

        await self.blobs.create(key, len(content))
        await self.blobs.write(key, 0, data())
        return hashlib.sha256(content).hexdigest()


class Start(Protocol):
    """Starts a gateway with these settings; `blobs` and `jobs` wrap the adapters.

    `clock` is that of storage. `last_middleware` comes after those of the gateway.
    """

    async def __call__(
        self,
        *,
        folder: str = ...,
        blobs: Callable[[FilesystemBlobs], Any] = ...,
        jobs: Callable[[SqlJobStore], Any] = ...,
        clock: Callable[[], float] = ...,
        private_token: str | None = ...,
        last_middleware: Middleware | None = ...,
        **settings: object,
    ) -> Gateway: ...


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of an empty job store: to copy it takes less time than all migrations."""
    path = tmp_path_factory.mktemp("migrated") / "jobs.db"

    async def migrate() -> None:
        async with open_job_store(f"sqlite:///{path}"):
            pass

    # In a thread, because this one has the event loop of a test.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(migrate())).result()
    return path.read_bytes()


@pytest.fixture
async def start_gateway(tmp_path: Path, migrated_database: bytes) -> AsyncIterator[Start]:
    """Starts gateways on the folder of this test; checks each response against the document."""
    described = Described()
    async with AsyncExitStack() as stack:

        async def started(
            *,
            folder: str = "first",
            blobs: Callable[[FilesystemBlobs], Any] = lambda adapter: adapter,
            jobs: Callable[[SqlJobStore], Any] = lambda adapter: adapter,
            clock: Callable[[], float] = time.time,
            private_token: str | None = None,
            last_middleware: Middleware | None = None,
            **settings: object,
        ) -> Gateway:
            root = tmp_path / folder
            if not (root / "jobs.db").exists():
                root.mkdir(exist_ok=True)
                (root / "jobs.db").write_bytes(migrated_database)
            adapter = FilesystemBlobs(root / "blobs", fsync=False, clock=clock)
            files = await stack.enter_async_context(adapter)
            store = await stack.enter_async_context(open_job_store(f"sqlite:///{root}/jobs.db"))
            bus = RecordingBus(await stack.enter_async_context(InProcessBus()))
            app = build_app(
                GatewaySettings.model_validate(
                    # Tests that write to a socket name the host `x`.
                    {"spool_dir": root / "spool", "allowed_hosts": "x", **settings}
                ),
                Ports(blobs(files), jobs(store), bus),
                private_token=private_token,
            )
            app.middlewares.insert(0, described.middleware)
            if last_middleware is not None:
                app.middlewares.append(last_middleware)
            server = _ServerAsInProduction(app)
            await server.start_server(read_bufsize=READ_BUFFER)
            client = await stack.enter_async_context(TestClient(server))
            return Gateway(client, files, store, bus)

        yield started
    assert described.faults == []


@pytest.fixture
def appends() -> AppendingBlobs:
    """The recorder of appends in front of the storage of `gateway`."""
    return AppendingBlobs()


@pytest.fixture
async def gateway(start_gateway: Start, appends: AppendingBlobs) -> Gateway:
    """A gateway with default settings."""
    return await start_gateway(blobs=appends.in_front_of)


def dropzone_form(dzuuid: str, body: bytes, offset: int, size: int, total: int) -> FormBody:
    """Return the form that Dropzone 6 sends: its fields in its order, the file last."""
    return FormBody.of(
        ("dzuuid", dzuuid),
        ("dzchunkindex", str(max(offset, 0) // max(size, 1))),
        ("dztotalfilesize", str(total)),
        ("dzchunksize", str(size)),
        ("dztotalchunkcount", str(max(1, -(-total // max(size, 1))))),
        ("dzchunkbyteoffset", str(offset)),
        ("file", body, 'filename="plays.csv"'),
    )
