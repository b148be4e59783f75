"""Writes that open the upload, to a storage that stalls or answers in part."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.client import HttpBlobs
from shared.blobs.codecs import encode_answer
from shared.errors import (
    StorageUnavailable,
)
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server, stream
from tests.unit.shared.blobs.storages import KEY, admit, begun, client_of, first_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Call = Callable[[HttpBlobs], Awaitable[object]]


async def test_a_write_without_an_answer_has_the_timeout_of_other_requests() -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with client_of(hang, timeout=60, answer_timeout=0.1) as blobs, asyncio.timeout(30):
        for call in (
            blobs.write(KEY, 0, stream(b"x"), admit=admit),
            blobs.append(KEY, 0, stream(b"x")),
        ):
            with pytest.raises(StorageUnavailable, match="not in time"):
                await call


@pytest.mark.parametrize("heartbeats", [True, False])
async def test_a_write_waits_for_a_slow_source_while_storage_sends_empty_lines(
    heartbeats: bool,
) -> None:
    async def take(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        for _ in range(20 if heartbeats else 0):
            await asyncio.sleep(0.05)
            await response.write(b"\n")
        assert await request.read() == b"abc"
        await response.write_eof(encode_answer(BlobInfo(KEY, 3, RangeSet.of([(0, 3)]))))
        return response

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.9)
        yield b"bc"

    async with client_of(take, timeout=0.4) as blobs:
        if heartbeats:
            assert (await blobs.write(KEY, 0, slow(), admit=admit)).complete
        else:
            with pytest.raises(StorageUnavailable):
                await blobs.write(KEY, 0, slow(), admit=admit)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"no JSON\n",
        b'{"blob": {}}\n',
        b'{"status": 500, "error": {"code": "internal", "message": "x"}}\n',
        b'{"status": 503, "error": {"code": "storage_unavailable", "message": "x"}}\n',
    ],
)
async def test_a_write_with_an_incomplete_answer_fails(rest: bytes) -> None:
    async def take(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await request.read()
        await response.write_eof(rest)
        return response

    async with client_of(take) as blobs:
        with pytest.raises(StorageUnavailable):
            await blobs.write(KEY, 0, stream(b"abc"), admit=admit)


async def test_a_write_on_a_connection_that_storage_has_closed_is_sent_again() -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        head = await reader.readuntil(b"\r\n\r\n")
        requests += 1
        if requests > 1 and b"/writes/" in head:
            answers = first_answer() + encode_answer(BlobInfo(KEY, 3, RangeSet.of([(0, 3)])))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answers), answers)
            )
            await reader.readuntil(b"0\r\n\r\n")
        # Otherwise closed without an answer, as if it had been idle for too long.
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with HttpBlobs(f"http://127.0.0.1:{port}", "token") as blobs:
        assert (await blobs.write(KEY, 0, stream(b"abc"), admit=admit)).complete
    server.close()
    assert requests == 2


async def test_a_refused_write_leaves_the_connection_usable(tmp_path: Path) -> None:
    async with (
        FilesystemBlobs(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):

        async def refuse(_blob: BlobInfo) -> None:
            raise ValueError("not this one")

        await blobs.create(KEY, 10)
        connections = set()
        for _ in range(5):
            with pytest.raises(ValueError, match="not this one"):
                await blobs.write(KEY, 0, stream(b"abc"), admit=refuse)
            assert (await blobs.append(KEY, 0, stream(b"abc"))).prefix == 3
            connector = blobs._session.connector
            assert connector is not None
            connections |= {id(each[0]) for pool in connector._conns.values() for each in pool}
        assert len(connections) == 1


async def test_a_write_whose_end_cannot_be_sent_any_more_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def take(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await request.read()
        await response.write_eof(b"")
        return response

    async def cannot_be_sent(_response: aiohttp.ClientResponse) -> None:
        # aiohttp raises it when the connection is lost while it writes the end of the request: in
        # a moment that a test cannot choose.
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    async with client_of(take) as blobs:
        monkeypatch.setattr(aiohttp.ClientResponse, "wait_for_close", cannot_be_sent)
        with pytest.raises(StorageUnavailable):
            await blobs.write(KEY, 0, stream(b"abc"), admit=admit)
