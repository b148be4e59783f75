"""Sends files to clients by sendfile(2), so that their bytes never enter this process.

uvloop has no `loop.sendfile`, and lets nobody wait for the descriptor of a transport. So this
takes a copy of the descriptor, once the transport has nothing left to send. A file that is not in
the page cache has to be waited for: that is done in the threads of whoever has it open. A client
is waited for here, however slow it is, and holds no thread meanwhile.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import termios
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from aiohttp import web

    from shared.blobs.content import Content, LocalFile

SENDFILE_FROM = 256 << 10
"""Bytes of a part that is sent so; a smaller one goes out with the header, in fewer steps."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """The bytes `start..stop` of a file that is open."""

    file: LocalFile
    start: int
    stop: int


async def by_file(
    content: Content, start: int, stop: int
) -> AsyncGenerator[bytes | FilePart, None]:
    """The content `start..stop` as a part of its file, or in pieces if that is not worth it."""
    if content.file is not None and stop - start >= SENDFILE_FROM:
        yield FilePart(content.file, start, stop)
        return
    async for piece in content:
        yield piece


def takes_files(request: web.Request) -> bool:
    """Whether the client's connection is a socket to which the kernel can send by itself."""
    transport = request.transport
    return (
        sys.platform == "linux"
        and transport is not None
        and not transport.is_closing()
        and transport.get_extra_info("sslcontext") is None
        and transport.get_extra_info("socket") is not None
    )


async def send_part(
    request: web.Request,
    part: FilePart,
    *,
    client_timeout: float | None,
    taken: Callable[[int], None],
) -> None:
    """Send a part of a file after all that was written to the client before.

    `taken` is told the bytes as they go. Raises ConnectionError if the client has left, or takes
    nothing for `client_timeout` seconds (None is for ever), and what `LocalFile.send` raises.
    """
    transport = await _flushed(request)
    with _copy_of_socket(transport) as socket:
        at = part.start
        while at < part.stop:
            sent = await part.file.send(socket, at, part.stop - at)
            taken(sent)
            at += sent
            if at < part.stop:
                await _wait_for_room(socket, client_timeout)
                _check_open(transport)


async def _flushed(request: web.Request) -> asyncio.Transport:
    """The transport, when all that it was given is with the kernel."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the connection is lost")
    _check_open(transport)
    low, high = transport.get_write_buffer_limits()
    # With anything in the buffer, `drain` waits from now on until there is nothing.
    transport.set_write_buffer_limits(high=0)
    await request.writer.drain()
    _check_open(transport)
    transport.set_write_buffer_limits(high, low)
    return transport


def _check_open(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        raise ConnectionResetError("the connection is closed")


@contextmanager
def _copy_of_socket(transport: asyncio.Transport) -> Iterator[int]:
    copy = os.dup(transport.get_extra_info("socket").fileno())
    try:
        yield copy
    finally:
        os.close(copy)


async def _wait_for_room(socket: int, client_timeout: float | None) -> None:
    """Return when a socket takes bytes again, or its other end has gone.

    Raises ConnectionAbortedError if nothing was acknowledged for `client_timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    room = asyncio.Event()
    loop.add_writer(socket, room.set)
    try:
        while True:
            before = _unacknowledged(socket)
            try:
                async with asyncio.timeout(client_timeout):
                    await room.wait()
                    return
            except TimeoutError:
                # Room is a third of the buffer or more. A slow client takes less in that time.
                if _unacknowledged(socket) == before:
                    raise ConnectionAbortedError("the client takes nothing") from None
    finally:
        loop.remove_writer(socket)


def _unacknowledged(socket: int) -> int:
    """Bytes that the other end has not acknowledged (SIOCOUTQ, tcp(7))."""
    answer = fcntl.ioctl(socket, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
