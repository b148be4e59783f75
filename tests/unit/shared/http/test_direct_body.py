"""Large request bodies are read from the socket, and requests end as those of other bodies do."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.blobs.socket_part import WORTH_READING, SocketPart, size_of
from shared.errors import InvalidInput
from shared.http import direct_body
from shared.http.direct_body import allow_direct_bodies
from shared.http.request_body import body_pieces, raw_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.Response]]

MIB = 1 << 20
CONTENT = random.Random(1).randbytes(40 * MIB)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def direct_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the bodies that were read directly."""
    sizes: list[int] = []
    original: Callable[..., object] = direct_body.direct_pieces

    def recorded(request: web.Request, size: int) -> object:
        sizes.append(size)
        return original(request, size)

    monkeypatch.setattr("shared.http.request_body.direct_pieces", recorded)
    return sizes


@asynccontextmanager
async def serving(
    timeout: float = 20.0, stop_at: int | None = None, handle: Handler | None = None
) -> AsyncIterator[TestServer]:
    """Serve a handler that returns the digest of the body, or refuses it after `stop_at` bytes."""

    async def digest_of_body(request: web.Request) -> web.Response:
        digest, received = hashlib.sha256(), 0
        try:
            async for piece in raw_body(request, timeout):
                digest.update(piece)
                received += len(piece)
                if stop_at is not None and received >= stop_at:
                    return web.Response(status=422, text="refused")
        except InvalidInput as error:
            return web.Response(status=400, text=str(error))
        return web.Response(text=digest.hexdigest())

    app = web.Application()
    allow_direct_bodies(app)
    app.router.add_put("/", handle or digest_of_body)
    server = TestServer(app)
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


def head(server: TestServer, *fields: str) -> bytes:
    lines = ("PUT / HTTP/1.1", f"Host: {server.host}", *fields, "", "")
    return "\r\n".join(lines).encode()


async def test_a_large_body_arrives_whole_and_the_response_announces_the_close(
    direct_sizes: list[int],
) -> None:
    async with (
        serving() as server,
        aiohttp.ClientSession() as session,
        session.put(server.make_url("/"), data=BytesIO(CONTENT)) as response,
    ):
        assert (response.status, await response.text()) == (200, DIGEST)
        assert response.headers["Connection"] == "close"
    (size,) = direct_sizes
    assert 0 < size <= len(CONTENT)


async def test_connections_are_reused_for_other_bodies(direct_sizes: list[int]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), MIB):
            yield CONTENT[at : at + MIB]

    async with serving() as server, aiohttp.ClientSession() as session:
        for data in (BytesIO(CONTENT[: 2 * MIB]), pieces(), b""):
            async with session.put(server.make_url("/"), data=data) as response:
                assert response.status == 200
                assert "Connection" not in response.headers
    assert direct_sizes == []


@pytest.mark.parametrize("sent", [1000, 35 * MIB])
async def test_a_body_that_ends_early_is_refused(sent: int) -> None:
    async with serving() as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}") + CONTENT[:sent])
        writer.write_eof()
        # aiohttp takes the end of a body that its parser expects for a lost connection.
        answer = await reader.read()
        writer.close()
    assert b" 200 " not in answer


async def test_a_client_that_stalls_is_answered(direct_sizes: list[int]) -> None:
    async with serving(timeout=0.3) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}") + CONTENT[: 3 * MIB])
        status = await reader.readline()
        rest = await reader.readuntil(f"after {3 * MIB} bytes".encode())
        writer.close()
    assert status == b"HTTP/1.1 400 Bad Request\r\n"
    assert b"Connection: close\r\n" in rest
    assert len(direct_sizes) == 1


async def test_a_client_that_sends_slowly_is_not_taken_for_one_that_stalls(
    direct_sizes: list[int],
) -> None:
    # Less than what is waited for at first, in more time than a client may stall.
    slow = len(CONTENT) - 10_000
    async with serving(timeout=0.5) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}") + CONTENT[:slow])
        for at in range(slow, len(CONTENT), 1000):
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.write(CONTENT[at : at + 1000])
        await reader.readuntil(DIGEST.encode())
        writer.close()
    assert len(direct_sizes) == 1


async def test_after_a_body_the_socket_is_readable_with_any_byte_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[int] = []
    real = socket.socket.setsockopt

    def setsockopt(self: socket.socket, level: int, option: int, value: int) -> None:
        if option == socket.SO_RCVLOWAT:
            set_to.append(value)
        real(self, level, option, value)

    monkeypatch.setattr(socket.socket, "setsockopt", setsockopt)
    for stop_at in (None, 8 * MIB):
        async with (
            serving(stop_at=stop_at) as server,
            aiohttp.ClientSession() as session,
            session.put(server.make_url("/"), data=BytesIO(CONTENT)) as response,
        ):
            assert await response.text() in (DIGEST, "refused")
        assert max(set_to) == WORTH_READING
        assert set_to[-1] == 1
        set_to.clear()


@pytest.mark.parametrize("following", [b"", b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000])
async def test_a_body_is_moved_by_a_thread_and_no_byte_that_follows_it(following: bytes) -> None:
    moved: list[int] = []
    digest = hashlib.sha256()

    def write(buffer: memoryview, _: int) -> None:
        digest.update(buffer)

    async def handle(request: web.Request) -> web.Response:
        async for piece in body_pieces(request, 20):
            if isinstance(piece, SocketPart):
                await asyncio.to_thread(piece.move, write)
                moved.append(piece.taken)
            else:
                digest.update(piece)
        return web.Response(text="stored")

    async with serving(handle=handle) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}") + CONTENT + following)
        answer = await reader.readuntil(b"stored")
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert digest.hexdigest() == DIGEST
    assert 0 < sum(moved) <= len(CONTENT)


async def test_a_client_that_breaks_off_while_a_thread_moves_ends_the_body() -> None:
    received: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.Response:
        size = 0
        try:
            async for piece in body_pieces(request, 20):
                if isinstance(piece, SocketPart):
                    await asyncio.to_thread(piece.move, lambda *_: None)
                size += size_of(piece)
        except InvalidInput as error:
            received.set_result((size, str(error)))
        return web.Response(status=400)

    async with serving(handle=handle) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}") + CONTENT[: 30 * MIB])
        await writer.drain()
        writer.close()
        size, error = await asyncio.wait_for(received, 20)
    assert size == 30 * MIB
    assert str(size) in error


async def test_a_refusal_reaches_a_client_that_still_sends(direct_sizes: list[int]) -> None:
    async with serving(stop_at=8 * MIB) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(server, f"Content-Length: {len(CONTENT)}"))
        for at in range(0, len(CONTENT), MIB):
            writer.write(CONTENT[at : at + MIB])
            await writer.drain()
        answer = await reader.readuntil(b"refused")
        writer.close()
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert len(direct_sizes) == 1
