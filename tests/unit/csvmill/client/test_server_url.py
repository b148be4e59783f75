"""A password in the URL of a server is sent, and never shown."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from csvmill.client import AsyncClient, Retries
from csvmill.client.errors import ClientError
from csvmill.client.server_url import basic_authorization, path_of_link, without_credentials

if TYPE_CHECKING:
    from aiohttp.test_utils import TestServer
    from pytest_aiohttp.plugin import AiohttpServer


@pytest.mark.parametrize(
    ("url", "shown", "pair"),
    [
        ("http://mill:8000/x?a=b", "http://mill:8000/x?a=b", None),
        ("http://me:se%40cret@mill:8000/x", "http://mill:8000/x", "me:se@cret"),
        ("https://me@[::1]", "https://[::1]", "me:"),
    ],
)
def test_the_credentials_of_a_url_are_separated(url: str, shown: str, pair: str | None) -> None:
    assert without_credentials(url) == shown
    given = basic_authorization(url)
    assert (given and b64decode(given.removeprefix("Basic ")).decode()) == pair


@pytest.fixture
async def server(aiohttp_server: AiohttpServer) -> TestServer:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"detail": request.headers["Authorization"]}, status=404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    return await aiohttp_server(app)


async def test_a_password_is_sent_and_in_no_error(server: TestServer) -> None:
    url = f"http://me:secret@127.0.0.1:{server.port}"
    async with AsyncClient(url, retries=Retries(attempts=1)) as client:
        with pytest.raises(ClientError) as refused:
            await client.job("j1")
    assert "secret" not in str(refused.value)
    assert f"127.0.0.1:{server.port}" in str(refused.value)
    assert "Basic bWU6c2VjcmV0" in str(refused.value)


async def test_a_key_and_a_password_together_are_refused() -> None:
    with pytest.raises(ClientError, match="not both"):
        AsyncClient("http://me:secret@127.0.0.1:1", api_key="k")


@pytest.mark.parametrize(
    ("server", "link", "path"),
    [
        ("http://a", "/api/v1/jobs?cursor=x", "/api/v1/jobs?cursor=x"),
        ("http://a/csv", "/csv/api/v1/jobs", "/api/v1/jobs"),
        ("http://a/csv/", "/csv/api/v1/jobs", "/api/v1/jobs"),
        # A server that does not know its prefix
        ("http://a/csv", "/api/v1/jobs", "/api/v1/jobs"),
        ("http://a/api", "/api/v1/jobs", "/api/v1/jobs"),
        ("http://a/api", "/api/api/v1/jobs", "/api/v1/jobs"),
    ],
)
def test_a_link_is_relative_to_the_server(server: str, link: str, path: str) -> None:
    assert path_of_link(server, link) == path
