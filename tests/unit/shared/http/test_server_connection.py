"""Connections of a server over real sockets: limits, and clients that send no more."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shared.http import security_headers
from shared.http.connection_limits import Addresses, ConnectionLimits
from shared.http.least_rate import LeastRate
from shared.http.request_body import raw_body
from shared.http.trailers import TrailerRunner
from tests.stubborn import stubborn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = 10
LARGE = 40_000_000


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text=request.query.get("say", "hello"))


async def _count(request: web.Request) -> web.Response:
    least = LeastRate(1000, 0.2) if "least" in request.query else None
    pieces = raw_body(request, WAIT, least=least)
    try:
        return web.Response(text=str(sum([len(piece) async for piece in pieces])))
    except Exception as error:  # noqa: BLE001 - shown to the test
        return web.Response(status=408, text=type(error).__name__)


async def _late(_request: web.Request) -> web.Response:
    await asyncio.sleep(0.2)
    return web.Response(text="late")


async def _large(_request: web.Request) -> web.Response:
    return web.Response(body=bytes(LARGE))


@asynccontextmanager
async def served(**limits: object) -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    security_headers.install(app)
    app.router.add_get("/", _hello)
    app.router.add_post("/", _count)
    app.router.add_get("/late", _late)
    app.router.add_get("/large", _large)
    app.router.add_post("/refuse", _hello)
    runner = TrailerRunner(
        app,
        lingering_time=0,  # of aiohttp, which would read a refused body for ten seconds
        limits=ConnectionLimits(**limits),  # type: ignore[arg-type]
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()


async def answers(address: tuple[str, int], *sent: bytes, end: bool = False) -> bytes:
    """Send bytes, and the end of them; return everything until the connection is closed."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0.05)
        if end:
            writer.write_eof()
        async with asyncio.timeout(WAIT):
            return await reader.read()
    except OSError:  # closed by the server, unread
        return b""
    finally:
        writer.close()


def problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Server: csvmill\r\n" in head
    assert b"nosniff" in head
    found: dict[str, object] = json.loads(body)
    assert head.split()[1] == str(found["status"]).encode()
    assert found["message"] == found["detail"]
    return found


async def test_a_connection_without_a_request_is_closed() -> None:
    async with served(idle_timeout=0.2) as address:
        assert await answers(address) == b""
        # And one whose request was answered
        assert (await answers(address, GET)).count(b"HTTP/1.1 200 OK") == 1


async def test_a_head_that_does_not_end_is_answered_408() -> None:
    async with served(head_timeout=0.3) as address:
        assert problem(await answers(address, GET[:-2]))["status"] == 408
        # Not only the first one
        answer = await answers(address, GET, GET[:5])
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"HTTP/1.1 408 Request Timeout" in answer


async def test_a_head_in_pieces_is_a_request() -> None:
    async with served(head_timeout=5, idle_timeout=5) as address:
        answer = await answers(address, GET[:3], GET[3:20], GET[20:], end=True)
        assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_a_body_that_trickles_is_too_slow() -> None:
    head = b"POST /?least HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    async with served() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head)
        sending = asyncio.create_task(_trickle(writer))
        async with asyncio.timeout(WAIT):
            answer = await reader.readuntil(b"BodyTooSlow")
        sending.cancel()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408")


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def test_a_body_above_the_least_rate_is_taken() -> None:
    head = b"POST /?least HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"
    async with served() as address:
        answer = await answers(address, head, *(bytes(500) for _ in range(4)), end=True)
    assert answer.endswith(b"\r\n\r\n2000")


async def test_an_address_has_so_many_connections() -> None:
    addresses = Addresses(ConnectionLimits(per_address=2))
    assert [addresses.opened("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert addresses.opened("192.0.2.2")
    addresses.closed("192.0.2.1")
    assert addresses.opened("192.0.2.1")
    # This machine has as many as it likes
    assert all(addresses.opened("127.0.0.1") for _ in range(5))


async def test_a_connection_too_many_is_answered_429(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Addresses, "_exempt", lambda *_: False)
    async with served(per_address=1) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        await reader.readuntil(b"hello")
        assert problem(await answers(address))["status"] == 429
        writer.close()
        async with asyncio.timeout(WAIT):
            while not (await answers(address, GET, end=True)).startswith(b"HTTP/1.1 200"):  # noqa: ASYNC110  (there is no event to wait for)
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 90_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a" * 9000 + b": 1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA : 1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_what_is_no_request_is_answered_with_a_problem(request_: bytes, status: int) -> None:
    async with served() as address:
        assert problem(await answers(address, request_))["status"] == status


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (GET, [b"hello"]),
        (GET.replace(b"/ ", b"/late "), [b"late"]),
        (GET.replace(b"/ ", b"/?say=1 ") + GET.replace(b"/ ", b"/?say=2 "), [b"1", b"2"]),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", [b"3"]),
    ],
)
async def test_a_client_that_closes_its_half_gets_its_answers(
    sent: bytes, expected: list[bytes]
) -> None:
    async with served() as address:
        received = await answers(address, sent, end=True)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == expected


async def test_a_client_that_closes_its_half_within_a_body_gets_no_answer() -> None:
    async with served() as address:
        sent = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nabc"
        assert not (await answers(address, sent, end=True)).startswith(b"HTTP/1.1 200")


async def test_a_client_that_takes_nothing_of_an_answer_is_disconnected() -> None:
    async with served(write_timeout=0.3) as address:
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        writer.write(GET.replace(b"/ ", b"/large "))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1)
        received = 0
        try:
            async with asyncio.timeout(WAIT):
                while piece := await reader.read(1 << 20):
                    received += len(piece)
        except ConnectionError:
            pass
        assert received < LARGE
        writer.close()


async def test_responses_tell_no_version_and_are_not_sniffed() -> None:
    async with served() as address:
        answer = await answers(address, GET, end=True)
    assert b"\r\nServer: csvmill\r\n" in answer
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer


@pytest.mark.parametrize(
    ("request_bytes", "what"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a-key\x01\r\n\r\n", "header value char"),
        (b"GET / HTTP/1.1\r\nHost: x\r\na-key : x\r\n\r\n", "header token"),
        (b"GET http://a:99999/?a-key HTTP/1.1\r\nHost: x\r\n\r\n", "Invalid URL"),
    ],
)
async def test_the_answer_to_a_malformed_request_does_not_show_its_bytes(
    request_bytes: bytes, what: str
) -> None:
    async with served() as address:
        answer = await answers(address, request_bytes)
    assert problem(answer)["status"] == 400
    assert what in str(problem(answer)["detail"])
    assert b"a-key" not in answer


async def test_connections_that_are_refused_are_logged_once_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "shared.http.server_connection")
    async with served(head_timeout=0.2) as address:
        for _ in range(2):
            assert problem(await answers(address, GET[:-2]))["status"] == 408
    (line,) = [each.message for each in caplog.records if "is answered 408" in each.message]
    assert line.startswith("127.0.0.1 ")


def test_a_refusal_is_told_once_for_each_address_and_status() -> None:
    addresses = Addresses(ConnectionLimits())
    told = [
        addresses.first_refusal(address, status, now)
        for address, status, now in (
            ("a", 408, 0), ("a", 408, 1), ("a", 429, 2), ("b", 408, 3), ("a", 408, 61),
            ("a", 408, 62),
        )
    ]  # fmt: skip
    assert told == [True, False, True, True, True, False]


async def test_an_answer_is_read_by_a_client_that_sends_on() -> None:
    async with served() as address:
        head = "POST /refuse HTTP/1.1"
        answer = await asyncio.to_thread(stubborn, address, head, 20_000_000)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"hello")
