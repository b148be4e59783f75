"""The client of `python -m benchmarks.small_jobs`."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.bare_http import Connection


async def echo(request: web.Request) -> web.Response:
    content = await request.read()
    if request.path == "/refused":
        return web.Response(status=404, text="nothing here")
    return web.json_response(
        {"method": request.method, "path": request.path_qs, "of": len(content)}
    )


async def chunked(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x")
    return response


async def test_requests_on_one_connection_are_answered() -> None:
    app = web.Application()
    app.router.add_get("/chunked", chunked)
    app.router.add_route("*", "/{path:.*}", echo)
    async with (
        TestServer(app) as server,
        Connection(str(server.make_url("")).rstrip("/")) as connection,
    ):
        assert await connection.json("PUT", "/files?name=a", b"123") == {
            "method": "PUT",
            "path": "/files?name=a",
            "of": 3,
        }
        assert await connection.body("GET", "/") == b'{"method": "GET", "path": "/", "of": 0}'
        with pytest.raises(RuntimeError, match=r"GET /refused: HTTP/1.1 404 .*: nothing here"):
            await connection.body("GET", "/refused")
        with pytest.raises(RuntimeError, match="without a Content-Length"):
            await connection.body("GET", "/chunked")
