"""What a gateway holds for clients that read slowly, and how many it serves."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import tracemalloc
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.app import build_app
from gateway.settings import GatewaySettings
from shared.blobs.client import HttpBlobs
from shared.blobs.connection import READ_BUFFER, SMALL_READ_BUFFER
from shared.bus.in_process import InProcessBus
from shared.jobs.store import open_job_store
from shared.ports import Ports
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server
from tests.metrics import Exposition
from tests.unit.gateway.conftest import Gateway, RecordingBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.unit.gateway.conftest import Start

RESULT = random.Random(8).randbytes(16 << 20)
READERS = 12
MEBIBYTE = 1 << 20


@asynccontextmanager
async def gateway_before_storage(
    folder: Path, read_buffer: int = SMALL_READ_BUFFER
) -> AsyncIterator[Gateway]:
    """The gateway as a service of its own, which gets results by HTTP."""
    async with AsyncExitStack() as stack:
        files = await stack.enter_async_context(FilesystemBlobs(folder / "blobs", fsync=False))
        url = await stack.enter_async_context(storage_server(folder, files))
        blobs = await stack.enter_async_context(HttpBlobs(url, TOKEN, read_buffer=read_buffer))
        jobs = await stack.enter_async_context(open_job_store(f"sqlite:///{folder}/jobs.db"))
        bus = RecordingBus(await stack.enter_async_context(InProcessBus()))
        app = build_app(GatewaySettings(), Ports(blobs, jobs, bus))
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        yield Gateway(client, files, jobs, bus)


async def grown(seconds: float = 0.2) -> int:
    """Return the bytes that are held once they do not grow any more."""
    held = -1
    while True:
        before, held = held, tracemalloc.get_traced_memory()[0]
        if held <= before:
            return held
        await asyncio.sleep(seconds)


async def until_downloads_are(number: int, gateway: Gateway) -> None:
    async with asyncio.timeout(10):
        while await downloads(gateway) != number:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.02)


async def downloads(gateway: Gateway) -> float:
    text = await (await gateway.client.get("/metrics")).text()
    return Exposition.of(text).value("csvmill_downloads_in_progress")


async def held_for_readers(gateway: Gateway, coding: str) -> int:
    """Return the bytes that are held for `READERS` that read nothing, once they do not grow."""
    job = await gateway.finished_job(RESULT)
    head = (
        f"GET /api/v1/jobs/{job.id}/result HTTP/1.1\r\nHost: localhost\r\n"
        f"Accept-Encoding: {coding}\r\n\r\n"
    )
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with ExitStack() as readers:
            for _ in range(READERS):
                reader = readers.enter_context(socket.create_connection(gateway.address))
                reader.sendall(head.encode())
            await until_downloads_are(READERS, gateway)
            held = await grown() - before
    finally:
        tracemalloc.stop()
    await until_downloads_are(0, gateway)
    return held


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
async def test_less_than_a_mebibyte_is_held_for_a_client_that_does_not_read(
    tmp_path: Path, coding: str
) -> None:
    async with gateway_before_storage(tmp_path) as gateway:
        assert await held_for_readers(gateway, coding) < READERS * MEBIBYTE


async def test_more_would_be_held_with_the_read_ahead_of_other_services(tmp_path: Path) -> None:
    async with gateway_before_storage(tmp_path, READ_BUFFER) as gateway:
        assert await held_for_readers(gateway, "identity") > READERS * MEBIBYTE


async def test_a_tenant_has_so_many_downloads_at_the_same_time(start_gateway: Start) -> None:
    gateway = await start_gateway(max_tenant_downloads=2)
    job = await gateway.finished_job(RESULT)
    path = f"/api/v1/jobs/{job.id}/result"
    async with gateway.client.get(path), gateway.client.get(path) as second:
        refused = await gateway.client.get(path)
        assert refused.status == 429
        assert (await refused.json())["type"] == "urn:csvmill:problem:too-many-downloads"
        assert int(refused.headers["Retry-After"]) > 0
        old = await gateway.client.get(f"/api/download_file/{job.id}")
        assert old.status == 429
        assert (await old.json())["status"] == "error"
        assert await downloads(gateway) == 2
        # A header costs nothing
        assert (await gateway.client.head(path)).status == 200
        assert await second.read() == RESULT
        assert await (await gateway.client.get(path)).read() == RESULT


async def test_a_gateway_serves_so_many_downloads_at_the_same_time(start_gateway: Start) -> None:
    gateway = await start_gateway(max_downloads=1)
    job = await gateway.finished_job(RESULT)
    path = f"/api/v1/jobs/{job.id}/result"
    async with gateway.client.get(path):
        refused = await gateway.client.get(path)
    assert refused.status == 503
    assert (await refused.json())["type"] == "urn:csvmill:problem:too-busy"
    assert int(refused.headers["Retry-After"]) > 0


async def test_a_client_that_reads_too_slowly_is_disconnected(start_gateway: Start) -> None:
    gateway = await start_gateway(min_download_rate=1e9, rate_window=0.2)
    job = await gateway.finished_job(RESULT)
    reader, writer = await asyncio.open_connection(*gateway.address, limit=1024)
    writer.write(f"GET /api/download_file/{job.id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    received = 0
    with suppress(ConnectionError):
        while piece := await reader.read(100):
            received += len(piece)
            await asyncio.sleep(0.01)
    assert received < len(RESULT)
    writer.close()
    await until_downloads_are(0, gateway)
