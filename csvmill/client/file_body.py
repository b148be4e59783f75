"""A range of a file as the body of a request, sent by the kernel where it can (sendfile)."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp.abc import AbstractStreamWriter

    from csvmill.client.source import Source

PIECE = 1 << 20
"""Bytes that are sent at a time."""
LAST = 64 << 10
"""Bytes at the end that are sent after the file was found unchanged."""


class FileBody(Payload):
    """The bytes `start..stop` of `source`.

    Of a file that changes meanwhile, the last bytes are not sent, so that no server takes the body
    for complete.
    """

    _autoclose = True

    def __init__(
        self,
        source: Source,
        start: int,
        stop: int,
        *,
        on_sent: Callable[[int], None],
        timeout: float,
    ) -> None:
        """`timeout` is the seconds without progress after which the connection counts as lost."""
        super().__init__(source, content_type="application/octet-stream")
        self._size = stop - start
        self.failure: Exception | None = None
        """Why the file could not be read."""
        self._source = source
        self._start = start
        self._stop = stop
        self._on_sent = on_sent
        self._timeout = timeout

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the bytes as text. Blocks."""
        return self._source.read(self._start, self._stop - self._start).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the bytes to a connection."""
        last = max(self._start, self._stop - LAST)
        transport = writer.transport
        if transport is not None and last > self._start and _supports_sendfile(transport):
            writer.send_headers()
            await self._send(writer, transport, last)
            at = last
        else:
            at = self._start
        while at < self._stop:
            piece = await asyncio.to_thread(self._read, at, min(PIECE, self._stop - at))
            async with asyncio.timeout(self._timeout):
                await writer.write(piece)
                await writer.drain()
            self._on_sent(len(piece))
            at += len(piece)

    async def _send(
        self, writer: AbstractStreamWriter, transport: asyncio.WriteTransport, stop: int
    ) -> None:
        """Send the bytes up to `stop` from the file to the socket."""
        low, high = transport.get_write_buffer_limits()
        # With high=0, `drain` returns when everything written before was sent.
        transport.set_write_buffer_limits(high=0)
        async with asyncio.timeout(self._timeout):
            await writer.drain()
        transport.set_write_buffer_limits(high, low)
        at = self._start
        with _duplicate_socket(transport) as socket:
            while at < stop:
                _check_open(transport)
                sent = await self._send_some(socket, at, stop - at)
                at += sent
                if sent:
                    self._on_sent(sent)
                else:
                    await _writable(socket, self._timeout)

    async def _send_some(self, socket: int, offset: int, size: int) -> int:
        sending = asyncio.ensure_future(
            asyncio.to_thread(self._source.send, socket, offset, min(PIECE * 4, size))
        )
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending])  # the thread uses the socket
            raise
        except ConnectionError:
            raise
        except Exception as error:
            self.failure = error
            raise

    def _read(self, offset: int, size: int) -> bytes:
        try:
            return self._source.read(offset, size)
        except Exception as error:
            self.failure = error
            raise


def _supports_sendfile(transport: asyncio.WriteTransport) -> bool:
    return (
        sys.platform == "linux"
        and transport.get_extra_info("sslcontext") is None
        and transport.get_extra_info("socket") is not None
    )


def _check_open(transport: asyncio.WriteTransport) -> None:
    if transport.is_closing():
        raise ConnectionResetError("the connection is closed")


@contextmanager
def _duplicate_socket(transport: asyncio.WriteTransport) -> Iterator[int]:
    _check_open(transport)
    duplicate = os.dup(transport.get_extra_info("socket").fileno())
    try:
        yield duplicate
    finally:
        os.close(duplicate)


async def _writable(socket: int, timeout: float) -> None:
    """Return when the socket is writable or its peer has disconnected. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(socket, writable.set)
    try:
        async with asyncio.timeout(timeout):
            await writable.wait()
    finally:
        loop.remove_writer(socket)
