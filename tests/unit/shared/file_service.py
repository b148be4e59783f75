"""A service that serves one file, plain sockets as its clients, and a recording sendfile."""

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
# More than the sockets and buffers of both ends hold.
SIZE = 24_000_000
CONTENT = random.Random(6).randbytes(SIZE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WAIT = 20.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Service:
    """Serves one blob at `/`, on an event loop in its own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, **download: Any) -> None:
        self._tls: ssl.SSLContext | None = download.pop("tls", None)
        self.port = 0
        self.sent: list[int] = []
        """Body bytes of each download that has ended."""
        self.ended = threading.Event()
        """Set when a download has ended."""
        self.transport: asyncio.Transport | None = None
        """The transport of the latest request."""
        self.buffer: int | None = download.pop("buffer", None)
        """Size of the socket buffers at both ends, in bytes; None for the default."""
        self.limits = (0, 0)
        """Limits of the connection's write buffer after a download, in bytes."""
        self.file: Path
        self.blobs = FilesystemBlobs(folder, fsync=False)
        self._download = download
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever)
        app = web.Application()
        app.router.add_get("/", self._answer)
        self._runner = TrailerRunner(app, shutdown_timeout=0.1)

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Run `step` on the event loop of the service and return its result."""
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(WAIT)

    def start(self) -> None:
        self._thread.start()
        self.do(self._start())

    def stop(self) -> None:
        """Stop as on SIGTERM after the shutdown timeout."""
        if self._loop.is_closed():
            return
        try:
            self.do(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT)
            self._loop.close()

    async def stop_waiting(self, fd: int) -> bool:
        """Stop watching a descriptor for writability; return whether it was watched."""
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
            refuse=lambda error: web.Response(status=error.status, text=str(error)),
            name="the blob",
            sha256=SHA256,
            on_sent=ended,
            **self._download,
        )
        self.transport = request.transport
        if self.buffer is not None and request.transport is not None:
            client_socket = request.transport.get_extra_info("socket")
            client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffer)
        response = await send_download(request, download)
        if request.transport is not None:
            self.limits = request.transport.get_write_buffer_limits()
        return response

    def connect(self, ask: bytes = GET) -> socket.socket:
        """Open a connection and send a request, without reading the response."""
        connection = socket.socket()
        connection.settimeout(WAIT)
        if self.buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(ask)
        return connection

    def get(self, **headers: str) -> bytes:
        """Return the body of a complete response, after the service has finished it."""
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
    """Replaces `os.sendfile` and records what it sends."""

    def __init__(self) -> None:
        self.sent = 0
        self.error: int | None = None
        """The errno with which to fail; None to succeed."""
        self.began = threading.Event()
        self.watch: Callable[[], object] = lambda: None
        """Called before each send; results go to `watched`."""
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
    """Read the header of a response and return the response."""
    response = HTTPResponse(connection)
    response.begin()
    return response


def read_all(connection: socket.socket) -> bytes:
    """Read until the peer closes or breaks the connection."""
    received = []
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            received.append(piece)
    return b"".join(received)
