"""Closes connections in stages, so that the client can read the answer (RFC 9112, 9.6).

A connection that is closed while its client still sends is reset, and the client may lose an answer
that it has not read yet. So the answer is sent, then the end of it, and what still arrives is
dropped until the client closes the connection too, or a limit is reached.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.http.expectation import is_waiting

if TYPE_CHECKING:
    from aiohttp import web

LINGER = 30.0
"""Seconds for which bytes of a client are dropped."""
SILENCE = 5.0
"""Seconds without a byte after which the client has read the answer, or is gone."""
MOST = 256
"""Connections that are in this stage at the same time; others are closed at once."""
KEPT_OPEN = 64 << 10
"""Bytes of the rest of a body that are worth reading to keep the connection."""
PAUSE = 0.005
"""Seconds between two looks at a client that sends fast, so that it costs little."""
_PIECE = 1 << 20
_SCRATCH = bytearray(_PIECE)
"""Where bytes are dropped, of all connections."""
_DROP = socket.MSG_TRUNC if sys.platform == "linux" else 0
"""Lets the kernel drop bytes of a TCP connection without copying them (tcp(7))."""


def body_is_left(request: web.BaseRequest) -> bool:
    """Whether so much of the body of an answered request may still come that it is not read."""
    if not body_is_unread(request):
        return False
    length = request.content_length
    if is_waiting(request) or length is None:
        return True
    return length - request.content.total_bytes > KEPT_OPEN


def body_is_unread(request: web.BaseRequest) -> bool:
    """Whether any of the body of an answered request may still come."""
    return request.body_exists and not request.content.is_eof()


def second_descriptor(transport: asyncio.BaseTransport | None) -> socket.socket | None:
    """Return the socket of a transport once more, which outlives it; None if there is none."""
    if sys.platform == "win32" or transport is None or transport.is_closing():
        return None
    opened = transport.get_extra_info("socket")
    if opened is None or transport.get_extra_info("sslcontext") is not None:
        return None
    duplicate = socket.socket(fileno=os.dup(opened.fileno()))
    duplicate.setblocking(False)
    return duplicate


class StagedClose:
    """The connections of a server that are being closed."""

    def __init__(
        self, *, linger: float = LINGER, silence: float = SILENCE, most: int = MOST
    ) -> None:
        self._linger = linger
        self._silence = silence
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, connection: socket.socket) -> None:
        """End the answers on a connection whose transport is closed, and close it later."""
        if len(self._tasks) >= self._most:
            connection.close()
            return
        task = asyncio.get_running_loop().create_task(self._close(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Close all at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self, connection: socket.socket) -> None:
        # The client may be gone, or send for ever.
        with connection, suppress(OSError, TimeoutError):
            connection.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(self._linger):
                await self._drop(connection)

    async def _drop(self, connection: socket.socket) -> None:
        """Drop what arrives until the client closes. Raises TimeoutError if nothing arrives."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(connection.fileno(), readable.set)
        try:
            while True:
                async with asyncio.timeout(self._silence):
                    await readable.wait()
                readable.clear()
                try:
                    if not connection.recv_into(_SCRATCH, _PIECE, _DROP):
                        return
                except BlockingIOError:
                    continue
                await asyncio.sleep(PAUSE)
        finally:
            loop.remove_reader(connection.fileno())
