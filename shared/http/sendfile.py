"""Send files with sendfile(2), so that their bytes do not pass through this process.

uvloop has no `loop.sendfile` and does not let others wait for a transport's descriptor. So this
duplicates the descriptor once the transport has sent everything. Pages that are not in the page
cache are read in the threads of whatever has the file open; waiting for a slow client holds no
thread.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

from shared.blobs.content import FilePart
from shared.http.connections import unacknowledged

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from aiohttp import web

    from shared.blobs.content import Content

SENDFILE_FROM = 256 << 10
"""Bytes of the smallest part sent with sendfile. A smaller one is sent together with the header,
in fewer system calls."""
PIECE = 256 << 10
"""Bytes of a file that are read at a time where sendfile cannot send them."""


def body_of(request: web.Request, content: Content) -> AsyncGenerator[bytes | FilePart, None]:
    """Return the body that sends `content`: its file if the kernel can send it, else its pieces."""
    return _file_or_pieces(content, by_file=_supports_sendfile(request))


async def read_pieces(content: Content) -> AsyncGenerator[bytes, None]:
    """Yield the pieces of `content`; of a file of this machine, none is read ahead.

    So that little is held for a client that is slow.
    """
    if content.file is not None:
        for start in range(content.start, content.stop, PIECE):
            yield await content.file.read_part(start, min(start + PIECE, content.stop))
        return
    async for piece in content:
        yield piece


async def _file_or_pieces(
    content: Content, *, by_file: bool
) -> AsyncGenerator[bytes | FilePart, None]:
    if by_file and content.file is not None and content.size >= SENDFILE_FROM:
        yield FilePart(content.file, content.start, content.stop)
        return
    async with aclosing(read_pieces(content)) as pieces:
        async for piece in pieces:
            yield piece


def _supports_sendfile(request: web.Request) -> bool:
    """Whether the client's connection is a plain socket of a system with our sendfile."""
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
    on_sent: Callable[[int], None],
) -> None:
    """Send a part of a file, after everything that was written to the client before.

    `on_sent` is called with the number of bytes of each step. Raises ConnectionError if the client
    disconnects or acknowledges nothing for `client_timeout` seconds (None: no limit), and what
    `LocalFile.send` raises.
    """
    transport = await _flushed_transport(request)
    with _duplicate_socket(transport) as socket:
        position = part.start
        while position < part.stop:
            sent = await part.file.send(socket, position, part.stop - position)
            on_sent(sent)
            position += sent
            if position < part.stop:
                await _wait_until_writable(socket, client_timeout)
                _check_open(transport)


async def _flushed_transport(request: web.Request) -> asyncio.Transport:
    """Return the transport once its buffer is empty."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the connection is lost")
    _check_open(transport)
    low, high = transport.get_write_buffer_limits()
    # `drain` returns when the buffer is below the low mark: with high=0, when it is empty.
    transport.set_write_buffer_limits(high=0)
    await request.writer.drain()
    _check_open(transport)
    transport.set_write_buffer_limits(high, low)
    return transport


def _check_open(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        raise ConnectionResetError("the connection is closed")


@contextmanager
def _duplicate_socket(transport: asyncio.Transport) -> Iterator[int]:
    duplicate = os.dup(transport.get_extra_info("socket").fileno())
    try:
        yield duplicate
    finally:
        os.close(duplicate)


async def _wait_until_writable(socket: int, client_timeout: float | None) -> None:
    """Return when the socket is writable or its peer has disconnected.

    Raises ConnectionAbortedError if the peer acknowledged nothing for `client_timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(socket, writable.set)
    try:
        while True:
            before = unacknowledged(socket)
            try:
                async with asyncio.timeout(client_timeout):
                    await writable.wait()
                    return
            except TimeoutError:
                # A socket becomes writable when a third of its buffer is free, which may take a
                # slow client longer than the timeout.
                if unacknowledged(socket) == before:
                    raise ConnectionAbortedError("the client stopped reading") from None
    finally:
        loop.remove_writer(socket)
