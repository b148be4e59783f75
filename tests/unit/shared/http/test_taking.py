"""What the kernel holds for a client that takes nothing of a response."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shared.http.response_body import send_body
from shared.http.trailers import TrailerRunner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PIECE = bytes(64 << 10)
MOST = 1 << 20
"""Bytes: 256 KiB wait in the process, and as many in the kernel, besides those on their way."""
STILL = 0.5
"""Seconds without another piece after which nothing more is taken."""


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="of Linux and macOS")
async def test_the_kernel_holds_little_for_a_client_that_takes_nothing() -> None:
    given = asyncio.Queue[int]()

    async def pieces() -> AsyncGenerator[bytes, None]:
        while True:
            given.put_nowait(len(PIECE))
            yield PIECE

    async def endless(request: web.Request) -> web.StreamResponse:
        return await send_body(
            request, web.StreamResponse(), pieces(), name="it", client_timeout=None
        )

    app = web.Application()
    app.router.add_get("/", endless)
    runner = TrailerRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(client.connect, runner.addresses[0][:2])
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            held = await given.get()
            try:
                while held < 64 * MOST:
                    held += await asyncio.wait_for(given.get(), STILL)
            except TimeoutError:
                pass
            assert held < MOST
    finally:
        await runner.cleanup()
