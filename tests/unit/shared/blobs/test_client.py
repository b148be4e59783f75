"""The client of storage when storage fails, stalls or answers wrongly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shared.blobs.client import HttpBlobs
from shared.blobs.codecs import encode_error
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    CsvmillError,
    StorageFull,
    StorageUnavailable,
)
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, read, storage_server, stream
from tests.ports import free_port
from tests.unit.shared.blobs.storages import KEY, MIB, OTHER, client_of, info_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Call = Callable[[HttpBlobs], Awaitable[object]]


@pytest.mark.parametrize(
    "error", [BlobNotFound("gone"), StorageFull("full"), ChunkOutOfBounds("x")]
)
async def test_errors_of_storage_are_raised_by_the_client(error: CsvmillError) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        status = 507 if isinstance(error, StorageFull) else 404
        return web.json_response(encode_error(error), status=status)

    async with client_of(refuse) as blobs:
        with pytest.raises(type(error), match=str(error)):
            await blobs.info(KEY)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 404, 301])
async def test_an_answer_that_is_not_from_storage_means_unavailable(status: int) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>", headers={"Location": "/"})

    async with client_of(refuse) as blobs:
        with pytest.raises(StorageUnavailable):
            await blobs.info(KEY)


async def test_without_a_storage_service_calls_raise_unavailable() -> None:
    async with HttpBlobs(f"http://127.0.0.1:{free_port()}", "token") as blobs:
        for call in (blobs.ping(), blobs.info(KEY), blobs.write(KEY, 0, stream(b"x"))):
            with pytest.raises(StorageUnavailable):
                await call


async def test_ping_reports_a_refused_token(tmp_path: Path) -> None:
    async with (
        FilesystemBlobs(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, "not " + TOKEN) as blobs,
    ):
        with pytest.raises(StorageUnavailable, match="CSVMILL_STORAGE_TOKEN"):
            await blobs.ping()


async def test_a_storage_that_never_answers_is_unavailable() -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with client_of(hang, timeout=0.1) as blobs:
        with pytest.raises(StorageUnavailable):
            await blobs.info(KEY)
        with pytest.raises(StorageUnavailable):
            await blobs.write(KEY, 0, stream(b"x"))


CALLS: dict[str, Call] = {
    "create": lambda blobs: blobs.create(KEY, 1),
    "lease append": lambda blobs: blobs.lease_append(KEY),
    "info": lambda blobs: blobs.info(KEY),
    "peek": lambda blobs: blobs.peek(KEY),
    "delete": lambda blobs: blobs.delete(KEY),
    "expire": lambda blobs: blobs.expire(KEY, idle_for=1.0),
    "ping": lambda blobs: blobs.ping(),
    "open": lambda blobs: read(blobs, KEY),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_short_request_has_a_shorter_timeout(call: Call) -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with client_of(hang, timeout=60, answer_timeout=0.1) as blobs, asyncio.timeout(30):
        with pytest.raises(StorageUnavailable, match="storage does not answer: not in time"):
            await call(blobs)


async def test_long_requests_and_response_bodies_have_no_short_timeout() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        if request.method == "PUT":
            await asyncio.sleep(0.5)
            return web.json_response(info_of(3))
        response = web.StreamResponse()
        response.content_length = 3
        response.headers["Csvmill-Start"] = "0"
        await response.prepare(request)
        await asyncio.sleep(0.5)
        await response.write(b"abc")
        return response

    async with client_of(slow, answer_timeout=0.2) as blobs:
        assert (await blobs.declare_size(KEY, 3)).size == 3
        assert (await blobs.assemble(KEY, [OTHER])).size == 3
        assert (await blobs.write(KEY, 0, stream(b"abc"))).size == 3
        assert await read(blobs, KEY) == b"abc"


async def test_a_storage_that_ignores_the_interval_is_refused() -> None:
    async def whole(_request: web.Request) -> web.Response:
        return web.Response(body=b"abc")

    async with client_of(whole) as blobs:
        with pytest.raises(StorageUnavailable, match="does not serve intervals"):
            await read(blobs, KEY, 1)


async def test_a_storage_that_stops_reading_is_unavailable() -> None:
    accepted: list[asyncio.StreamWriter] = []

    async def take_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Its small buffer fills up and is never read.
        accepted.append(writer)

    server = await asyncio.start_server(take_nothing, "127.0.0.1", 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    async with HttpBlobs(f"http://127.0.0.1:{port}", "token", progress_timeout=0.2) as blobs:
        with pytest.raises(StorageUnavailable, match="took no byte"):
            await blobs.write(KEY, 0, stream(*[bytes(MIB)] * 64))
    server.close()
    for writer in accepted:
        writer.close()


async def test_a_slow_source_does_not_count_as_a_slow_storage() -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response(info_of(3))

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.4)
        yield b"bc"

    async with client_of(take, timeout=0.2) as blobs:
        assert (await blobs.write(KEY, 0, slow())).complete


@pytest.mark.parametrize("error", [OSError("source"), TimeoutError(), ValueError("source")])
async def test_an_error_of_the_source_is_not_an_error_of_storage(error: Exception) -> None:
    cut = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError:
            pass
        finally:
            cut.set()
        return web.json_response(info_of(3))

    async def failing() -> AsyncIterator[bytes]:
        yield b"a"
        raise error

    async with client_of(take) as blobs:
        with pytest.raises(type(error)) as raised:
            await blobs.write(KEY, 0, failing())
        await asyncio.wait_for(cut.wait(), 10)

    assert raised.value is error


async def test_an_early_refusal_is_received_and_the_connection_stays_usable(tmp_path: Path) -> None:
    async with (
        FilesystemBlobs(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        await blobs.create(KEY, 10)
        for _ in range(5):
            with pytest.raises(ChunkOutOfBounds):
                await blobs.write(KEY, 5, stream(*[bytes(MIB)] * 32))
            assert not (await blobs.info(KEY)).received
        assert (await blobs.write(KEY, 0, stream(b"0123456789"))).complete


async def test_an_incomplete_answer_is_an_error() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 10
        await response.prepare(request)
        await response.write(b"01234")
        assert request.transport is not None
        request.transport.close()
        return response

    async with client_of(break_off) as blobs:
        with pytest.raises(StorageUnavailable):
            await read(blobs, KEY)


async def test_an_answer_of_the_wrong_length_is_refused() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"01234")

    async with client_of(answer) as blobs:
        with pytest.raises(StorageUnavailable, match="5 bytes of 3"):
            await read(blobs, KEY, 0, 3)


async def test_storage_that_fails_while_sending_breaks_the_connection(tmp_path: Path) -> None:
    async with (
        FilesystemBlobs(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        await kept.create(KEY, 16 * MIB)
        await kept.write(KEY, 0, stream(bytes(16 * MIB)))
        path = kept.local_path(KEY)
        assert path is not None
        with path.open("r+b") as file:
            file.truncate(5 * MIB)

        with pytest.raises(StorageUnavailable):
            await read(blobs, KEY)


async def test_without_a_local_root_no_file_is_local(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False) as kept:
        await kept.create(KEY, 1)
        await kept.write(KEY, 0, stream(b"x"))
        here = HttpBlobs("http://127.0.0.1:1", "token", local_root=tmp_path)

        assert here.local_path(KEY) == kept.local_path(KEY)
        assert HttpBlobs("http://127.0.0.1:1", "token").local_path(KEY) is None
