"""HAProxy, as the stack configures it: what it limits, hides and tells the gateways, and TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.compose.proxy import Proxy
from tests.compose.test_configuration import configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TLS = "deploy/compose.tls.yml"
WAIT = 30.0


@pytest.fixture
async def gateway() -> AsyncIterator[int]:
    """The port of a server that answers with the headers that it received."""

    async def show(request: web.Request) -> web.Response:
        return web.json_response({name.lower(): value for name, value in request.headers.items()})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", show)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        yield server.port


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def serving(session: aiohttp.ClientSession, url: str, **options: Any) -> Any:
    """Wait until the proxy serves, and return the answer of the gateway."""
    async with asyncio.timeout(WAIT):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(f"{url}/", **options) as answer:
                    if answer.status == 200:
                        return await answer.json()
            await asyncio.sleep(0.05)


async def read_all(proxy: Proxy, request: bytes) -> bytes:
    """Send bytes, and return all that is answered; nothing if the connection is closed."""
    async with asyncio.timeout(WAIT):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        except ConnectionError:
            return b""
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def test_the_gateway_is_told_who_the_client_is_and_not_what_it_says_of_itself(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path
) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "X-Forwarded-Proto": "https",
    }
    with Proxy(tmp_path, gateway) as proxy:
        seen = await serving(session, proxy.url, headers=claims)
        assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
        assert "forwarded" not in seen
        async with session.get(f"{proxy.url}/metrics") as answer:
            assert answer.status == 404


async def test_an_address_that_sends_too_many_requests_is_answered_429(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path
) -> None:
    with Proxy(tmp_path, gateway, requests=200) as proxy:
        await serving(session, proxy.url)
        refused = None
        for _ in range(250):
            async with session.get(proxy.url) as answer:
                if answer.status != 200:
                    refused = answer
                    problem = await answer.json(content_type="application/problem+json")
                    break
        assert refused is not None
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        assert problem["status"] == 429


async def test_an_address_with_too_many_connections_gets_no_more(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path
) -> None:
    with Proxy(tmp_path, gateway, connections=4) as proxy:
        await serving(session, proxy.url)
        get = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        # Some of these are closed at once too
        idle = []
        for _ in range(10):
            with suppress(ConnectionError):
                idle.append(await asyncio.open_connection("127.0.0.1", proxy.port))
        async with asyncio.timeout(WAIT):
            while await read_all(proxy, get) != b"":
                pass  # until the proxy has seen them
        for _, writer in idle:
            writer.close()
        async with asyncio.timeout(WAIT):
            while not (await read_all(proxy, get)).startswith(b"HTTP/1.1 200 "):
                pass  # until it has seen that they are closed


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 16_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: x\r\n" * 100 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: ", 408),
    ],
    ids=["long URL", "long header", "many headers", "slow headers"],
)
async def test_large_and_slow_heads_of_requests_are_refused(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path, request_: bytes, status: int
) -> None:
    with Proxy(tmp_path, gateway, header_timeout="500ms") as proxy:
        await serving(session, proxy.url)
        answer = await read_all(proxy, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    if status == 414:  # the others are refused before the proxy knows what was meant
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == status


async def test_tls_is_used_with_hsts_and_plain_http_is_redirected(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path
) -> None:
    with Proxy(tmp_path, gateway, tls=True) as proxy:
        trusting = ssl.create_default_context(cafile=proxy.certificate)
        url = f"https://localhost:{proxy.tls_port}"
        seen = await serving(session, url, ssl=trusting)
        assert seen["x-forwarded-proto"] == "https"
        async with session.get(f"{url}/metrics", ssl=trusting) as answer:
            assert answer.status == 404
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

        plain = f"http://localhost:{proxy.port}/api/v1/jobs?limit=2"
        async with session.post(plain, allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"] == f"{url}/api/v1/jobs?limit=2"
            assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_old_versions_of_tls_are_refused(
    session: aiohttp.ClientSession, gateway: int, tmp_path: Path
) -> None:
    with Proxy(tmp_path, gateway, tls=True) as proxy:
        trusting = ssl.create_default_context(cafile=proxy.certificate)
        await serving(session, f"https://localhost:{proxy.tls_port}", ssl=trusting)
        trusting.set_ciphers("ALL:@SECLEVEL=0")
        trusting.minimum_version = ssl.TLSVersion.TLSv1
        trusting.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            await asyncio.open_connection("localhost", proxy.tls_port, ssl=trusting)


def test_one_file_adds_tls_and_the_certificate_is_a_secret() -> None:
    proxy = configured(TLS)["services"]["proxy"]
    assert {port["target"] for port in proxy["ports"]} == {8000, 8443}
    assert proxy["environment"]["CSVMILL_TLS"] == "on"
    assert [secret["target"] for secret in proxy["secrets"]] == ["/run/secrets/certificate"]
