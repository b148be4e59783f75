"""Read a large request body from the socket of its connection.

aiohttp's parser copies every byte of a body twice, in pieces of at most 256 KiB. Where only the
rest of a body is expected, its bytes need no parser: this reads them from a duplicate of the
socket, while the transport is paused. The parser does not learn of them. So the connection is
closed after the response, which announces it.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

DIRECT_FROM = 32 << 20
"""Bytes of the smallest rest of a body that is read directly: far more than a new connection
costs."""
PIECE = 1 << 20
"""Bytes that are read at a time."""
FAIR_SHARE = 4 << 20
"""Bytes after which other tasks get their turn, however fast the client sends."""
WORTH_READING = 512 << 10
"""Bytes that are waited for, so that a fast client does not cost a step for each of its packets."""
READABLE_TIMEOUT = 0.02
"""Seconds for which so many bytes are waited for. After them, any byte will do."""

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


async def direct_pieces(request: web.Request, size: int) -> AsyncGenerator[bytes, None]:
    """Yield the `size` bytes that follow in the body, or fewer if the client disconnects.

    Raises OSError if the connection breaks.
    """
    protocol, content = request.protocol, request.content
    request[_CLOSES] = True
    protocol.pause_reading()
    left, turn = size, 0
    try:
        with _duplicate_socket(request) as duplicate, _Incoming(duplicate) as incoming:
            while left:
                if not incoming.has(min(WORTH_READING, left)):
                    await incoming.arrived()
                    _check_open(request)
                try:
                    piece = os.read(duplicate.fileno(), min(PIECE, left))
                except BlockingIOError:
                    continue
                if not piece:
                    return
                left, turn = left - len(piece), turn + len(piece)
                yield piece
                if turn >= FAIR_SHARE:
                    turn = 0
                    await asyncio.sleep(0)
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


@contextmanager
def _duplicate_socket(request: web.Request) -> Iterator[socket.socket]:
    _check_open(request)
    transport = request.transport
    descriptor = transport.get_extra_info("socket").fileno()  # type: ignore[union-attr]
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        yield duplicate


def _check_open(request: web.Request) -> None:
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the connection is closed")


class _Incoming:
    """Waits for bytes of a socket. It counts as readable with fewer if the client disconnects.

    A context: afterwards, the socket is readable with any byte again.
    """

    def __init__(self, duplicate: socket.socket) -> None:
        self._socket = duplicate
        self._poll = select.poll()
        self._poll.register(duplicate, select.POLLIN)
        self._enough = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The transport reads the rest, also of a few bytes, so that the response is not lost.
        with suppress(OSError):
            self._wait_for(1)

    def has(self, count: int) -> bool:
        """Whether `count` bytes can be read, or the client has disconnected."""
        self._wait_for(count)
        return bool(self._poll.poll(0))

    async def arrived(self) -> None:
        """Return when the bytes that `has` was asked for have arrived, or some of them."""
        try:
            async with asyncio.timeout(READABLE_TIMEOUT):
                await self._readable()
        except TimeoutError:
            self._wait_for(1)
            await self._readable()

    def _wait_for(self, count: int) -> None:
        if count != self._enough:
            # Linux lets the socket become readable with so many bytes; elsewhere it is with one.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._enough = count

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._socket.fileno(), readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._socket.fileno())
