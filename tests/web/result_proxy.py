"""A proxy between a browser and the service that mistreats the answers to result requests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.service import Service

PIECE = 1 << 16
TIMEOUT = 30
NOT_FORWARDED = {"host", "connection", "transfer-encoding", "content-length", "server", "date"}


class ResultProxy:
    """Forwards all requests to a service, at a port of its own.

    It breaks a connection if that to the service breaks. Its attributes mistreat the bodies of
    `GET .../result`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.origin = ""
        self.ranges: list[str] = []
        """The value of Range of each request for a result; empty if it had none."""
        self.codings: list[str] = []
        """The value of Content-Encoding of each answer with a result; empty if it had none."""
        self.statuses: list[int] = []
        """The status of each answer with a result."""
        self.flip_at: int | None = None
        """The offset of a byte of the result of which one bit is inverted."""
        self.instead: tuple[str, str] | None = None
        """A part of the path of results, and what replaces it."""
        self.without_ranges = False
        """Whether Range is left out of the requests."""
        self.retry_after: int | None = None
        """The seconds after which refused requests for results may be sent again, if any are."""
        self.refused = 0
        """How many requests for results were refused."""
        self.hold_after: int | None = None
        """How many bytes of results pass before the rest is held."""
        self._held = asyncio.Condition()
        self._waiting = 0
        """How many answers are held."""
        self._freed = asyncio.Event()
        self._refused = asyncio.Event()
        self._sending: list[web.Request] = []
        self.passed = 0
        """The bytes of results that have passed."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ResultProxy]:
        """Listen while the context is open."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        try:
            yield self
        finally:
            self.free()
            await runner.cleanup()

    def hold(self, *, after: int) -> None:
        """Hold the bytes of results when so many more have passed."""
        self._freed.clear()
        self.hold_after = self.passed + after

    async def holding(self, answers: int = 1) -> None:
        """Wait until the bytes of so many answers are held."""
        async with asyncio.timeout(TIMEOUT), self._held:
            await self._held.wait_for(lambda: self._waiting >= answers)

    def refuse(self, *, retry_after: int) -> None:
        """Refuse further requests for results; they may be sent again after so many seconds."""
        self.retry_after = retry_after

    async def has_refused(self, count: int) -> None:
        """Wait until so many requests for results were refused."""
        async with asyncio.timeout(TIMEOUT):
            while self.refused < count:
                self._refused.clear()
                await self._refused.wait()

    def free(self) -> None:
        """Let everything pass."""
        self.hold_after = None
        self._freed.set()

    def break_all(self) -> None:
        """Break all connections on which results are sent, and hold nothing more."""
        self.free()
        for request in self._sending:
            if request.transport:
                request.transport.abort()

    async def _hold(self) -> None:
        async with self._held:
            self._waiting += 1
            self._held.notify_all()
        try:
            await self._freed.wait()
        finally:
            self._waiting -= 1

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        of_result = request.method == "GET" and request.path.endswith("/result")
        if of_result and self.retry_after is not None:
            self.refused += 1
            self._refused.set()
            return web.Response(status=503, headers={"Retry-After": str(self.retry_after)})
        headers = {k: v for k, v in request.headers.items() if k.lower() not in NOT_FORWARDED}
        if of_result:
            self.ranges.append(request.headers.get("Range", ""))
            path = path.replace(*self.instead) if self.instead else path
            if self.without_ranges:
                headers.pop("Range", None)
        if of_result:
            self._sending.append(request)
        try:
            async with (
                aiohttp.ClientSession(auto_decompress=False) as session,
                session.request(
                    request.method,
                    self._service.origin + path,
                    headers=headers,
                    data=await request.read(),
                ) as answer,
            ):
                return await self._answer(request, answer, of_result=of_result)
        except aiohttp.ClientError:
            assert request.transport
            request.transport.abort()
            raise
        finally:
            if of_result:
                self._sending.remove(request)

    async def _answer(
        self, request: web.Request, answer: aiohttp.ClientResponse, *, of_result: bool
    ) -> web.StreamResponse:
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in NOT_FORWARDED}
        response = web.StreamResponse(status=answer.status, headers=kept)
        response.content_length = answer.content_length
        await response.prepare(request)
        if of_result:
            self.statuses.append(answer.status)
            self.codings.append(answer.headers.get("Content-Encoding", ""))
        given = answer.headers.get("Content-Range", "bytes 0-")
        offset = int(given.removeprefix("bytes ").partition("-")[0])
        async for piece in answer.content.iter_chunked(PIECE):
            data = bytearray(piece)
            if of_result:
                if self.flip_at is not None and offset <= self.flip_at < offset + len(data):
                    data[self.flip_at - offset] ^= 1
                if self.hold_after is not None and self.passed >= self.hold_after:
                    await self._hold()
                self.passed += len(data)
                offset += len(data)
            await response.write(data)
        await response.write_eof()
        return response
