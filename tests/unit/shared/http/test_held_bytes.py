"""What a server holds of many bodies at the same time, counted in its own buffers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shared.blobs.socket_part import bytes_of
from shared.http.connection_limits import ConnectionLimits
from shared.http.direct_body import DIRECT_FROM, allow_direct_bodies
from shared.http.held_bytes import HeldBytes, held_bytes
from shared.http.request_body import body_pieces
from shared.http.trailers import TrailerRunner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECTIONS = 12
BODY = 4 << 20
READ = 256_000
"""Bytes of one read of the event loop, at most."""
WAIT = 30


class Server:
    """Takes bodies, and passes them on only once `go_on` is set."""

    def __init__(self) -> None:
        self.held: list[HeldBytes] = []
        self.waiting = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()
        self.most = 0

    async def take(self, request: web.Request) -> web.Response:
        """Take a body; `?piece` waits with the first piece in hand, else before it."""
        held = held_bytes(request)
        self.held.append(held)
        total = 0
        if "piece" not in request.query:
            await self._wait()
        async for piece in body_pieces(request, WAIT):
            total += len(bytes_of(piece))
            if "piece" in request.query:
                await self._wait()
            self.most = max(self.most, sum(each.size for each in self.held))
        return web.Response(text=str(total))

    async def _wait(self) -> None:
        if not self.go_on.is_set():
            self.waiting.release()
            await self.go_on.wait()


@asynccontextmanager
async def served(most_held: int) -> AsyncIterator[tuple[Server, tuple[str, int]]]:
    server = Server()
    app = web.Application()
    app.router.add_put("/", server.take)
    allow_direct_bodies(app)
    runner = TrailerRunner(
        app,
        limits=ConnectionLimits(most_held=most_held),
        read_bufsize=1 << 20,
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield server, runner.addresses[0][:2]
    finally:
        await runner.cleanup()


async def _send(address: tuple[str, int], target: str, size: int) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {size}\r\n\r\n".encode())
        for _ in range(0, size, 1 << 20):
            writer.write(bytes(1 << 20))
            await writer.drain()
        return (await reader.read()).rpartition(b"\r\n")[2]
    finally:
        writer.close()


@pytest.mark.parametrize("target", ["/", "/?piece"])
@pytest.mark.parametrize("size", [BODY, DIRECT_FROM + BODY])
async def test_bodies_that_wait_hold_one_read_each_beyond_what_all_hold_together(
    target: str, size: int
) -> None:
    most_held = 2 << 20
    async with served(most_held) as (server, address), asyncio.timeout(WAIT):
        sending = [asyncio.create_task(_send(address, target, size)) for _ in range(CONNECTIONS)]
        for _ in sending:
            await server.waiting.acquire()
        # No event tells that nothing more arrives.
        before = -1
        while before != (before := sum(each.size for each in server.held)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        # Without a limit, each has a MiB and more.
        assert most_held < before <= most_held + (CONNECTIONS + 1) * 2 * READ
        server.go_on.set()
        assert await asyncio.gather(*sending) == [str(size).encode()] * CONNECTIONS
        assert server.most <= most_held + (CONNECTIONS + 1) * 2 * READ
        assert sum(each.size for each in server.held) == 0


async def test_a_body_passes_while_others_hold_all_that_may_be_held() -> None:
    async with served(1) as (server, address), asyncio.timeout(WAIT):
        waiting = asyncio.create_task(_send(address, "/", BODY))
        await server.waiting.acquire()
        passing = asyncio.create_task(_send(address, "/?piece", BODY))
        await server.waiting.acquire()
        server.go_on.set()
        assert set(await asyncio.gather(waiting, passing)) == {str(BODY).encode()}


async def test_one_body_is_read_far_ahead() -> None:
    async with served(64 << 20) as (server, address), asyncio.timeout(WAIT):
        sending = asyncio.create_task(_send(address, "/", BODY))
        await server.waiting.acquire()
        while server.held[0].size <= 1 << 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        server.go_on.set()
        assert await sending == str(BODY).encode()
