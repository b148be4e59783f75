"""Timeouts of storage, and `102 Processing` during long work."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from shared.blobs.codecs import Opening, encode_opening
from shared.blobs.protocol import append_lease_path, blob_path, chunk_path, write_path
from storage import handlers, signs_of_life
from storage.app import build_app
from storage.settings import StorageSettings
from tests.blob_backends import TOKEN, storage_server, stream
from tests.unit.storage.test_service import AUTHORIZED, KEY, MIB, Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.blob import AppendLease, BlobKey
    from shared.blobs.content import Content
    from storage.filesystem.blobs import FilesystemBlobs


async def test_long_work_sends_102_processing(
    url: str, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 3)
    monkeypatch.setattr(signs_of_life, "PROCESSING_INTERVAL", 0.01)
    resume = asyncio.Event()
    write = blobs.write

    async def slow(*args: Any, **more: Any) -> Any:
        info = await write(*args, **more)
        await resume.wait()
        return info

    monkeypatch.setattr(blobs, "write", slow)
    connection = await Connection.to(url)
    await connection.send_head("PUT", chunk_path(KEY, 0), {**AUTHORIZED, "Content-Length": "3"})
    await connection.send(b"abc")

    assert [(await connection.answer())[0] for _ in range(3)] == [102, 102, 102]
    resume.set()
    status = 102
    while status == 102:
        status, body = await connection.answer()
    assert (status, body["complete"]) == (200, True)
    await connection.close()


async def test_a_write_shows_signs_of_life_and_counts_by_its_outcome(
    url: str, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 3)
    monkeypatch.setattr(signs_of_life, "PROCESSING_INTERVAL", 0.01)
    resume = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield encode_opening(Opening())
        await resume.wait()
        yield b"abcd"

    async with ClientSession(headers=AUTHORIZED) as session:
        async with session.put(url + write_path(KEY, 0), data=slowly()) as response:
            first = json.loads(await response.content.readline())
            assert (response.status, first["blob"]["size"]) == (200, 3)
            assert [await response.content.readline() for _ in range(3)] == [b"\n"] * 3
            resume.set()
            last = json.loads((await response.read()).strip())
            assert (last["status"], last["error"]["code"]) == (400, "chunk_out_of_bounds")
        metrics = await (await session.get(url + "/metrics")).text()
    counted = [line for line in metrics.splitlines() if "requests_total" in line and "400" in line]
    assert len(counted) == 1
    assert "writes" in counted[0]


async def test_a_caller_may_admit_a_chunk_slowly_but_not_stall_in_it(
    tmp_path: Path, blobs: FilesystemBlobs
) -> None:
    await blobs.create(KEY, 6)

    async def body(stall: float) -> AsyncIterator[bytes]:
        yield encode_opening(Opening())
        await asyncio.sleep(0.3)
        yield b"abc"
        await asyncio.sleep(stall)
        yield b"def"

    async with (
        storage_server(tmp_path, blobs, client_timeout=0.1) as url,
        ClientSession(headers=AUTHORIZED) as session,
    ):
        async with session.put(url + write_path(KEY, 0), data=body(10)) as response:
            last = json.loads((await response.read()).splitlines()[-1])
            assert (last["status"], last["error"]["code"]) == (400, "invalid_input")
        assert not (await blobs.info(KEY)).received
        async with session.put(url + write_path(KEY, 0), data=body(0)) as response:
            assert json.loads((await response.read()).splitlines()[-1])["blob"]["complete"]


@pytest.mark.parametrize(
    "body", [b"", b"no opening", b"{}\n", b"[]\n", b'{"declaration": {"size": "x"}}\n']
)
async def test_a_write_without_an_opening_is_refused(
    url: str, blobs: FilesystemBlobs, body: bytes
) -> None:
    await blobs.create(KEY, 3)
    async with (
        ClientSession(headers=AUTHORIZED) as session,
        session.put(url + write_path(KEY, 0), data=body) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (400, "invalid_input")


async def test_waiting_for_an_append_lease_sends_102_processing(
    url: str, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 3)
    monkeypatch.setattr(signs_of_life, "PROCESSING_INTERVAL", 0.01)
    resume = asyncio.Event()
    lease_append = blobs.lease_append

    async def slow(key: BlobKey) -> AppendLease:
        await resume.wait()
        return await lease_append(key)

    monkeypatch.setattr(blobs, "lease_append", slow)
    connection = await Connection.to(url)
    await connection.send_head("PUT", append_lease_path(KEY), AUTHORIZED)

    assert [(await connection.answer())[0] for _ in range(3)] == [102, 102, 102]
    resume.set()
    status = 102
    while status == 102:
        status, body = await connection.answer()
    assert (status, body["blob"]["size"]) == (200, 3)
    await connection.close()


async def test_a_reader_that_disconnects_is_not_logged_as_an_error(
    tmp_path: Path,
    blobs: FilesystemBlobs,
    reading_ended: asyncio.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    size = 24 * MIB  # more than sockets and buffers hold
    await blobs.create(KEY, size)
    await blobs.write(KEY, 0, stream(bytes(size)))
    # As in production: aiohttp's TestServer would cancel the handler when the caller disconnects.
    settings = StorageSettings(data_dir=tmp_path, storage_token=SecretStr(TOKEN))
    runner = web.AppRunner(build_app(settings, blobs))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    connection = await Connection.to(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await connection.send_head("GET", blob_path(KEY), AUTHORIZED)
    await connection._reader.readuntil(b"\r\n\r\n")
    await connection.close()
    await asyncio.wait_for(reading_ended.wait(), 10)
    await runner.cleanup()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_sender_that_stalls_is_refused_after_the_timeout(
    tmp_path: Path, blobs: FilesystemBlobs
) -> None:
    await blobs.create(KEY, 10)
    async with storage_server(tmp_path, blobs, client_timeout=0.05) as url:
        connection = await Connection.to(url)
        head = {**AUTHORIZED, "Content-Length": "10"}
        await connection.send_head("PUT", chunk_path(KEY, 0), head)
        await connection.send(b"01234")

        status, body = await asyncio.wait_for(connection.answer(), 10)

        assert status == 400
        assert body["message"].startswith("no byte of the body arrived for 0.05 s after 5 bytes")
        assert not (await blobs.info(KEY)).received
        await connection.close()


@pytest.fixture
def reading_ended(blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when storage has closed a blob that it read."""
    ended = asyncio.Event()
    open_blob = blobs.open

    @asynccontextmanager
    async def watched(*args: Any) -> AsyncIterator[Content]:
        try:
            async with open_blob(*args) as pieces:
                yield pieces
        finally:
            ended.set()

    monkeypatch.setattr(blobs, "open", watched)
    return ended


async def test_a_reader_that_stops_reading_is_disconnected(
    tmp_path: Path,
    blobs: FilesystemBlobs,
    reading_ended: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    size = 24 * MIB  # more than sockets and buffers hold
    await blobs.create(KEY, size)
    await blobs.write(KEY, 0, stream(bytes(size)))
    monkeypatch.setattr(handlers, "READER_TIMEOUT", 0.15)
    async with storage_server(tmp_path, blobs) as url:
        connection = await Connection.to(url)
        await connection.send_head("GET", blob_path(KEY), AUTHORIZED)
        await asyncio.wait_for(reading_ended.wait(), 10)
        await connection.close()
