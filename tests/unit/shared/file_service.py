"""A service of one file, seen from sockets, and the kernel that sends it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import threading
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from aiohttp import web

from shared.blobs.blob import result_key
from shared.http.conditions import Representation
from shared.http.download import Download, send_download
from shared.http.trailers import TrailerRunner
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import stream

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine
    from pathlib import Path

T = TypeVar("T")

KEY = result_key(UUID(int=1), 1)
# More than sockets and buffers hold between the two ends.
SIZE = 24_000_000
CONTENT = random.Random(6).randbytes(SIZE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WAIT = 20.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Service:
    """Serves one blob at `/`, on an event loop in a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, **download: Any) -> None:
        self._tls: ssl.SSLContext | None = download.pop("tls", None)
        self.port = 0
        self.sent: list[int] = []
        """Bytes of content of each download that has ended."""
        self.ended = threading.Event()
        """Set when one has."""
        self.transport: asyncio.Transport | None = None
        """Of the latest request."""
        self.buffer: int | None = download.pop("buffer", None)
        """Bytes that the kernel holds at each end of a connection, about; None for millions."""
        self.limits = (0, 0)
        """Those of the connection's write buffer after a download, in bytes."""
        self.file: Path
        self.blobs = FilesystemBlobs(folder, fsync=False)
        self._download = download
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever)
        app = web.Application()
        app.router.add_get("/", self._answer)
        self._runner = TrailerRunner(app, shutdown_timeout=0.1)

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Its outcome, on the service's loop."""
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(WAIT)

    def start(self) -> None:
        self._thread.start()
        self.do(self._start())

    def stop(self) -> None:
        """As on SIGTERM, once the time for what is in progress is up."""
        if self._loop.is_closed():
            return
        try:
            self.do(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT)
            self._loop.close()

    async def stop_waiting(self, fd: int) -> bool:
        """Whether anything still waited for a descriptor to take bytes."""
        return self._loop.remove_writer(fd)

    async def _start(self) -> None:
        await self.blobs.__aenter__()
        await self.blobs.create(KEY, SIZE, sha256=SHA256)
        await self.blobs.write(KEY, 0, stream(CONTENT))
        file = self.blobs.local_path(KEY)
        assert file is not None
        self.file = file
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self.blobs.__aexit__()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        def ended(size: int) -> None:
            self.sent.append(size)
            self.ended.set()

        download = Download(
            Representation(SIZE, SHA256, 1_600_000_000.0),
            content_type="text/csv",
            source=partial(self.blobs.open, KEY),
            refuse=lambda status, message: web.Response(status=status, text=message),
            name="the blob",
            sha256=SHA256,
            on_sent=ended,
            **self._download,
        )
        self.transport = request.transport
        if self.buffer is not None and request.transport is not None:
            its_socket = request.transport.get_extra_info("socket")
            its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffer)
        response = await send_download(request, download)
        if request.transport is not None:
            self.limits = request.transport.get_write_buffer_limits()
        return response

    def connect(self, ask: bytes = GET) -> socket.socket:
        """A connection on which something was asked, and nothing is read."""
        connection = socket.socket()
        connection.settimeout(WAIT)
        if self.buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(ask)
        return connection

    def get(self, **headers: str) -> bytes:
        """The content of an answer that is whole, once the service is done with it too."""
        self.ended.clear()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        connection.request("GET", "/", headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            content = connection.getresponse().read()
            assert self.ended.wait(WAIT)
            return content
        finally:
            connection.close()


class Kernel:
    """`os.sendfile`, and what it has sent."""

    def __init__(self) -> None:
        self.sent = 0
        self.error: int | None = None
        """What it fails with, if it is to."""
        self.began = threading.Event()
        self.watch: Callable[[], object] = lambda: None
        """Asked whenever it begins to send."""
        self.watched: list[object] = []
        self._sendfile = os.sendfile

    def sendfile(self, out: int, file: int, offset: int, count: int) -> int:
        self.began.set()
        self.watched.append(self.watch())
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        sent = self._sendfile(out, file, offset, count)
        self.sent += sent
        return sent


def answer(connection: socket.socket) -> HTTPResponse:
    """The head of an answer; its body is read from it."""
    response = HTTPResponse(connection)
    response.begin()
    return response


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other end closes or breaks the connection."""
    received = []
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            received.append(piece)
    return b"".join(received)
