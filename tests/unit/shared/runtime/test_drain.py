"""Requests in progress finish before the server shuts down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from shared.runtime.drain import Drain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_drain_waits_for_a_request_in_progress_and_reads_its_body() -> None:
    begun = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        taken = await request.content.readexactly(1)
        begun.set()
        taken += await request.content.read()
        return web.Response(body=taken)

    drain, rest = Drain(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await rest.wait()
        yield b"bc"

    app = web.Application(middlewares=[drain.middleware])
    app.router.add_post("/", take)
    async with TestClient(TestServer(app)) as client:
        request_task = asyncio.create_task(client.post("/", data=body()))
        await begun.wait()
        finishing = asyncio.create_task(drain.finish(30))
        assert await drain.finish(0) == 1
        rest.set()
        assert await finishing == 0
        response = await request_task
        assert await response.read() == b"abc"
        # The client has to open another connection.
        assert response.headers["Connection"] == "close"


async def test_a_second_signal_ends_the_wait_for_requests_in_progress() -> None:
    begun, rest, hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        begun.set()
        await rest.wait()
        return web.Response()

    drain = Drain()
    app = web.Application(middlewares=[drain.middleware])
    app.router.add_get("/", wait)
    async with TestClient(TestServer(app)) as client:
        request = asyncio.create_task(client.get("/"))
        await begun.wait()
        finishing = asyncio.create_task(drain.finish(3600, hurry))
        hurry.set()
        assert await finishing == 1
        rest.set()
        assert (await request).status == 200


async def test_a_handler_that_fails_is_no_longer_in_progress() -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise web.HTTPConflict

    drain = Drain()
    app = web.Application(middlewares=[drain.middleware])
    app.router.add_get("/", fail)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/")).status == 409
        assert await drain.finish(0) == 0
