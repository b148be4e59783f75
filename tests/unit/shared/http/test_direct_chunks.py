"""Bodies in chunked coding that are read from the socket, after the client got an answer."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shared.blobs.socket_part import SocketPart, bytes_of
from shared.errors import InvalidInput
from shared.http.direct_chunks import WORTH_TAKING, DirectChunks, _ChunkedBytes
from shared.http.request_body import body_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

MIB = 1 << 20
OPENING = b"opening\n"
LAST = b"0\r\n\r\n"
TIMEOUT = 20.0


def coded(*chunks: bytes) -> bytes:
    """Return chunks in chunked coding, without the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


class Received:
    """What the server has received."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.parts = 0
        """Pieces that were still in the socket."""
        self.moved = 0
        self.error: Exception | None = None
        self.failed = asyncio.Event()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer a line after the first one of the body, then take the rest."""
        response = web.StreamResponse()
        with DirectChunks(request) as direct:
            assert await request.content.readany() == OPENING
            await response.prepare(request)
            direct.begin()
            await response.write(b"go on\n")
            body = bytearray()
            pieces = body_pieces(request, TIMEOUT, received=len(OPENING), direct=direct)
            try:
                async with aclosing(pieces):
                    async for piece in pieces:
                        body += await self._bytes(piece)
            except InvalidInput as error:
                self.error = error
                self.failed.set()
                raise
        self.bodies.append(bytes(body))
        await response.write_eof(b"done\n")
        return response

    async def _bytes(self, piece: bytes | SocketPart) -> bytes:
        self.parts += isinstance(piece, SocketPart)
        if not isinstance(piece, SocketPart) or self.parts % 2:
            return bytes_of(piece)
        moved = bytearray()
        await asyncio.to_thread(piece.move, lambda buffer, _: moved.extend(buffer))
        self.moved += len(moved)
        return bytes(moved)


@asynccontextmanager
async def serving(received: Received) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_put("/", received.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class Connection:
    """A connection that is used for one request after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def begin(self) -> None:
        """Send the head of a request and the first chunk; return when the answer has begun."""
        self._writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        self._writer.write(coded(OPENING))
        assert b"HTTP/1.1 200 OK" in await self._until(b"go on\n")

    async def send(self, *pieces: bytes) -> None:
        """Send bytes, piece by piece, with a turn for the server after each."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    def write(self, content: bytes) -> None:
        """Send bytes, of which few are in flight: at once."""
        self._writer.write(content)

    async def finish(self) -> None:
        """Wait for the end of the answer."""
        await self._until(LAST)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def _until(self, end: bytes) -> bytes:
        async with asyncio.timeout(TIMEOUT):
            return await self._reader.readuntil(end)


@pytest.fixture
async def received() -> Received:
    return Received()


@pytest.fixture
async def connection(received: Received) -> AsyncIterator[Connection]:
    async with serving(received) as port:
        opened = Connection(*await asyncio.open_connection("127.0.0.1", port))
        yield opened
        opened.close()


@pytest.mark.parametrize(
    "sizes",
    [
        [WORTH_TAKING],
        [3 * MIB, 5, MIB, 1, 2 * MIB],
        [9 * MIB, 9 * MIB + 7],
        [MIB] * 20,
        [5, 2 * MIB],  # begins too small
        [],
    ],
)
@pytest.mark.parametrize("cut", ["whole", "after each head", "anywhere"])
async def test_a_body_arrives_and_the_connection_takes_the_next_request(
    connection: Connection, received: Received, sizes: Sequence[int], cut: str
) -> None:
    randomly = random.Random(len(sizes))
    chunks = [randomly.randbytes(size) for size in sizes]
    sent = coded(*chunks) + LAST
    cuts = {
        "whole": [sent],
        "after each head": [
            piece
            for chunk in chunks
            for piece in (b"%x\r" % len(chunk), b"\n", chunk, b"\r", b"\n")
        ]
        + [LAST[:2], LAST[2:]],
        "anywhere": _cut(sent, randomly),
    }
    for _ in range(3):
        await connection.begin()
        await connection.send(*cuts[cut])
        await connection.finish()
    assert received.bodies == [b"".join(chunks)] * 3
    if not sizes or sizes[0] < WORTH_TAKING:
        assert received.parts == 0
    elif len(sizes) == 20:  # one at least has arrived whole
        assert received.parts > 0


@pytest.mark.parametrize("sent", [b"", b"400", coded(bytes(MIB)), coded(bytes(2 * MIB))[:MIB]])
async def test_a_body_that_breaks_off_is_an_error(
    connection: Connection, received: Received, sent: bytes
) -> None:
    await connection.begin()
    await connection.send(sent)
    connection.close()
    async with asyncio.timeout(TIMEOUT):
        await received.failed.wait()
    assert "the body ended early" in str(received.error)


async def test_what_is_no_chunk_ends_the_body(connection: Connection, received: Received) -> None:
    await connection.begin()
    await connection.send(coded(bytes(MIB)), b"no size\r\n")
    async with asyncio.timeout(TIMEOUT):
        await received.failed.wait()
    assert "the body ended early" in str(received.error)


@pytest.mark.parametrize("looks", [1, 2])
async def test_a_head_that_arrives_while_it_is_looked_for_begins_a_chunk(
    connection: Connection, received: Received, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    first, second = b"a" * WORTH_TAKING, b"b" * 100
    look, late, in_vain = _ChunkedBytes._peeked, [coded(second) + LAST], 0

    def peeked(chunked: _ChunkedBytes) -> bytes:
        nonlocal in_vain
        found = look(chunked)
        in_vain += found == b"\r\n"  # the end of the first chunk
        if in_vain == looks and late:  # the rest arrives right after this look
            connection.write(late.pop())
        return found

    monkeypatch.setattr(_ChunkedBytes, "_peeked", peeked)
    await connection.begin()
    await connection.send(coded(first))
    await connection.finish()
    assert not late
    assert received.bodies == [first + second]


async def test_a_socket_that_is_readable_early_does_not_end_the_body(
    connection: Connection, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = b"a" * WORTH_TAKING, b"b" * 100
    wait, early, waited = _ChunkedBytes.readable, 3, asyncio.Event()

    async def readable(chunked: _ChunkedBytes) -> None:
        nonlocal early
        if not received.parts or not early:
            await wait(chunked)
            return
        early -= 1
        if not early:
            waited.set()

    monkeypatch.setattr(_ChunkedBytes, "readable", readable)
    await connection.begin()
    await connection.send(coded(first))
    async with asyncio.timeout(TIMEOUT):
        await waited.wait()
    await connection.send(coded(second) + LAST)
    await connection.finish()
    assert received.bodies == [first + second]


def _cut(content: bytes, randomly: random.Random) -> list[bytes]:
    places = sorted(randomly.randrange(len(content)) for _ in range(9))
    starts = [0, *places]
    return [content[a:b] for a, b in zip(starts, [*places, len(content)], strict=True)]
