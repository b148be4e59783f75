"""Requests to URLs that clients name, to servers on loopback."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from shared.errors import AddressRefused
from shared.http.outgoing import HTTP_TOO, MAX_URL, OutgoingPolicy, open_session
from shared.http.outgoing_settings import OutgoingSettings
from tests.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
PUBLIC = OutgoingPolicy()
ANY_SCHEME = OutgoingPolicy(HTTP_TOO)
LOCAL = OutgoingPolicy(HTTP_TOO, LOOPBACK)
TIMEOUT = aiohttp.ClientTimeout(total=10)


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, list[str]]]:
    """The port of a server on 127.0.0.1, and the requests that reach it."""
    requests: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(f"{request.method} {request.path} {request.host}")
        return web.Response(text="reached", headers={"Set-Cookie": "a=b"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1], requests
    await runner.cleanup()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """Let lookups of names yield these addresses, each time the next; return the names."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [info for address in found for info in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com:8443/hook?tenant=a",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://bücher.example/",
    ],
)
def test_an_https_url_of_the_public_internet_is_allowed(url: str) -> None:
    assert PUBLIC.check(url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///hook",
        "https://:443/",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: other",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/" + "a" * MAX_URL,
    ],
)
def test_what_is_no_plain_https_url_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        PUBLIC.check(url, field="notify[0].url")
    assert refused.value.field == "notify[0].url"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "10.0.0.1",
        "169.254.169.254", "192.168.1.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]",  # noqa: S104
        "[fe80::1]", "[64:ff9b::a9fe:a9fe]",
    ],
)  # fmt: skip
def test_a_written_address_that_is_not_public_is_refused_at_once(host: str) -> None:
    with pytest.raises(AddressRefused, match="CSVMILL_OUTGOING_NETWORKS"):
        PUBLIC.check(f"https://{host}/")


def test_a_network_can_be_allowed() -> None:
    policy = OutgoingPolicy(networks=(ip_network("10.1.0.0/16"),))
    assert policy.check("https://10.1.2.3/")
    assert policy.check("https://[::ffff:10.1.2.3]/")
    with pytest.raises(AddressRefused):
        policy.check("https://10.2.2.3/")


def test_an_ipv6_address_in_the_list_names_itself_and_no_other_host() -> None:
    policy = OutgoingPolicy(hosts=("[2606:4700::1111]",))
    assert policy.check("https://[2606:4700::1111]/a").host == "2606:4700::1111"
    for other in ("https://[2606:4700::1112]/a", "https://6/a", "https://a/a"):
        with pytest.raises(AddressRefused):
            policy.check(other)


def test_hosts_can_be_restricted_to_a_list() -> None:
    policy = OutgoingPolicy(hosts=("example.com", "*.example.org"))
    for allowed in ("example.com", "EXAMPLE.com", "example.com.", "a.b.example.org"):
        assert policy.check(f"https://{allowed}/")
    for refused in ("a.example.com", "example.org", "example.com.evil.net", "evilexample.org"):
        with pytest.raises(AddressRefused):
            policy.check(f"https://{refused}/")


def test_a_fragment_is_left_out() -> None:
    assert str(PUBLIC.check("https://example.com/a#b")) == "https://example.com/a"


async def test_a_request_reaches_an_allowed_network(server: tuple[int, list[str]]) -> None:
    port, requests = server
    url = LOCAL.check(f"http://localhost:{port}/hook")
    async with open_session(LOCAL, timeout=TIMEOUT) as session:
        for _ in range(2):
            async with session.post(url, allow_redirects=False) as response:
                assert await response.text() == "reached"
                assert "Cookie" not in response.request_info.headers
    assert requests == [f"POST /hook localhost:{port}"] * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_connection_to_a_written_address_is_checked_also_without_check(
    server: tuple[int, list[str]], host: str
) -> None:
    port, requests = server
    async with open_session(ANY_SCHEME, timeout=TIMEOUT) as session:
        with pytest.raises(AddressRefused):
            await session.get(f"http://{host}:{port}/", allow_redirects=False)
    assert not requests


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("::ffff:127.0.0.1",), ("10.0.0.1", "169.254.169.254")]
)
async def test_a_name_whose_addresses_are_not_public_is_refused_when_it_is_looked_up(
    server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    port, requests = server
    url = ANY_SCHEME.check(f"http://hook.example:{port}/")
    asked = resolve_to(monkeypatch, addresses)
    async with open_session(ANY_SCHEME, timeout=TIMEOUT) as session:
        with pytest.raises(AddressRefused, match=r"hook\.example"):
            await session.get(url, allow_redirects=False)
    assert asked == ["hook.example"]
    assert not requests


async def test_a_connection_goes_only_to_the_allowed_ones_of_several_addresses(
    server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, requests = server
    policy = OutgoingPolicy(HTTP_TOO, (ip_network("127.0.0.1/32"),))
    resolve_to(monkeypatch, ("10.255.255.1", "127.0.0.1"))
    async with open_session(policy, timeout=TIMEOUT) as session:
        await session.get(policy.check(f"http://hook.example:{port}/"), allow_redirects=False)
    assert requests == [f"GET / hook.example:{port}"]


async def test_a_name_that_is_resolved_anew_is_judged_anew(
    server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, requests = server
    policy = OutgoingPolicy(HTTP_TOO, (ip_network("127.0.0.1/32"),))
    asked = resolve_to(monkeypatch, ("127.0.0.1",), ("127.0.0.2",))
    url = policy.check(f"http://hook.example:{port}/")
    async with open_session(policy, timeout=TIMEOUT) as session:
        async with session.get(url, allow_redirects=False, headers={"Connection": "close"}):
            pass
        with pytest.raises(AddressRefused):
            await session.get(url, allow_redirects=False)
    assert len(asked) == 2
    assert len(requests) == 1


@pytest.mark.parametrize(("name", "trusted"), [("hook.example", True), ("other.example", False)])
async def test_a_certificate_is_verified_for_the_name_and_not_for_the_address_behind_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, trusted: bool
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="reached")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
    port = runner.addresses[0][1]
    policy = OutgoingPolicy(networks=LOOPBACK)
    resolve_to(monkeypatch, ("127.0.0.1",))
    context = ssl.create_default_context(cafile=tmp_path / "server.pem")
    url = policy.check(f"https://{name}:{port}/")
    try:
        async with open_session(policy, timeout=TIMEOUT, ssl=context) as session:
            if trusted:
                async with session.get(url, allow_redirects=False) as response:
                    assert await response.text() == "reached"
            else:
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await session.get(url, allow_redirects=False)
    finally:
        await runner.cleanup()


def test_by_default_only_https_to_the_public_internet_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert OutgoingSettings().outgoing_policy() == PUBLIC
    monkeypatch.setenv("CSVMILL_OUTGOING_NETWORKS", "127.0.0.0/8, ::1/128")
    monkeypatch.setenv("CSVMILL_OUTGOING_HTTP", "true")
    assert OutgoingSettings().outgoing_policy() == LOCAL


def test_a_network_that_is_none_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_OUTGOING_NETWORKS", "10.0.0.1/8")
    with pytest.raises(ValidationError, match="outgoing_networks"):
        OutgoingSettings()
