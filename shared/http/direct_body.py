"""Read a large request body from the socket of its connection.

aiohttp's parser copies every byte of a body twice, in pieces of at most 256 KiB. Where only the
rest of a body is expected, its bytes need no parser: this reads them from a duplicate of the
socket, while the transport is paused. The parser does not learn of them. So the connection is
closed after the response, which announces it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.socket_part import ARRIVAL_TIMEOUT, IncomingBytes, SocketPart
from shared.http.held_bytes import HeldBytes, held_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from shared.blobs.socket_part import Piece

DIRECT_FROM = 32 << 20
"""Bytes of the smallest rest of a body that is read directly: far more than a new connection
costs."""
LARGEST_PART = 8 << 20
"""Bytes of the socket that are offered at a time."""
FAIR_SHARE = 4 << 20
"""Bytes after which other tasks get their turn, however fast the client sends."""
_DIRECT = web.AppKey("direct_bodies", bool)
_CLOSES = web.RequestKey("closes_connection", bool)


def allow_direct_bodies(app: web.Application) -> None:
    """Let the handlers of an application read large bodies directly."""
    app[_DIRECT] = True
    app.on_response_prepare.append(_announce_close)


def unparsed_bytes(request: web.Request) -> int:
    """Return how many bytes of a body `direct_pieces` would read; 0 if it is not worth it.

    What the parser has received must have been read from `request.content`.
    """
    transport = request.transport
    if (
        request.content_length is None
        or "Content-Encoding" in request.headers
        or not request.app.get(_DIRECT, False)
        or sys.platform == "win32"
        or transport is None
        or transport.is_closing()
        or transport.get_extra_info("sslcontext") is not None
        or transport.get_extra_info("socket") is None
    ):
        return 0
    left = request.content_length - request.content.total_bytes
    return left if left >= DIRECT_FROM else 0


async def direct_pieces(request: web.Request, size: int) -> AsyncGenerator[Piece, None]:
    """Yield the `size` bytes that follow in the body, or fewer if the client disconnects.

    They are parts of the socket while the client is fast, else bytes.

    Raises OSError if the connection breaks.
    """
    protocol, content = request.protocol, request.content
    request[_CLOSES] = True
    protocol.pause_reading()
    left, turns, held = size, Turns(), held_bytes(request)
    try:
        with duplicate_socket(request) as duplicate, AwaitedBytes(duplicate, held) as incoming:
            while left:
                worth = incoming.worth(left)
                if not incoming.has(worth):
                    await incoming.arrived()
                    check_open(request)
                part = SocketPart(incoming, held.most_at_a_time(min(LARGEST_PART, left)))
                piece: Piece = part if incoming.has(worth) else part.read()
                try:
                    if piece:
                        yield piece
                finally:
                    held.pass_on(0)
                    left -= part.taken
                if part.failure is not None:
                    raise part.failure
                if part.ended:
                    return
                await turns.after(part.taken)
    finally:
        # aiohttp ignores what still arrives, and closes the connection after the response.
        protocol.close()
        if left:
            protocol.resume_reading(resume_parser=False)
        else:
            content.feed_eof()


async def _announce_close(request: web.Request, response: web.StreamResponse) -> None:
    if request.get(_CLOSES):
        response.force_close()
        response.headers["Connection"] = "close"


class Turns:
    """Gives other tasks their turn, however fast a client sends."""

    def __init__(self) -> None:
        self._taken = 0

    async def after(self, size: int) -> None:
        """Return after the turn of the others, if so many bytes complete a fair share."""
        self._taken += size
        if self._taken >= FAIR_SHARE:
            self._taken = 0
            await asyncio.sleep(0)


@contextmanager
def duplicate_socket(request: web.Request) -> Iterator[socket.socket]:
    """A context with a second descriptor of the request's socket. Raises ConnectionResetError."""
    check_open(request)
    transport = request.transport
    descriptor = transport.get_extra_info("socket").fileno()  # type: ignore[union-attr]
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        yield duplicate


def check_open(request: web.Request) -> None:
    """Raise ConnectionResetError if the connection of the request is closed."""
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the connection is closed")


class AwaitedBytes(IncomingBytes):
    """Lets a task wait for bytes, and counts those that are read and passed on as held."""

    def __init__(self, connection: socket.socket, held: HeldBytes) -> None:
        super().__init__(connection)
        self._held = held

    def receive(self, most: int) -> bytes:
        """See `IncomingBytes`."""
        content = super().receive(most)
        self._held.received(len(content))
        self._held.pass_on(len(content))
        return content

    async def arrived(self) -> None:
        """Return when the bytes that `has` was asked for have arrived; after a moment, any."""
        try:
            async with asyncio.timeout(ARRIVAL_TIMEOUT):
                await self.readable()
        except TimeoutError:
            self.readable_with(1)
            await self.readable()

    async def readable(self) -> None:
        """Return when the socket is readable."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self.socket.fileno(), readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self.socket.fileno())
