"""One message to one URL, on real connections to loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from processor.notifications.sender import MAX_RETRY_AFTER, Answer, Sender
from shared.http.outgoing import HTTP_TOO, OutgoingPolicy
from tests.certificates import self_signed
from tests.ports import free_port
from tests.webhooks import Receiver

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

LOCAL = OutgoingPolicy(HTTP_TOO, (ip_network("127.0.0.0/8"),))
FIELDS = {"Content-Type": "application/json", "webhook-id": "msg_1"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def sent(
    url: str, policy: OutgoingPolicy = LOCAL, *, timeout: float = 30.0, content: bytes = b"{}"
) -> Answer:
    async with Sender(policy, timeout=timeout, connections=4) as sender:
        return await sender.send(url, content, FIELDS)


@asynccontextmanager
async def raw_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Run a server of TCP that does anything; yield its port."""
    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    async with server:
        yield port


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_message_is_taken_if_the_answer_says_so(receiver: Receiver, status: int) -> None:
    receiver.answers.append(web.Response(status=status))
    assert await sent(receiver.url, content="é".encode()) == Answer(status)
    (received,) = receiver.received
    assert received.body == "é".encode()
    assert {name: received.headers[name.lower()] for name in FIELDS} == FIELDS
    assert "cookie" not in received.headers


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
async def test_another_answer_is_an_error_with_its_status(receiver: Receiver, status: int) -> None:
    receiver.answers.append(web.Response(status=status, text="a secret of the receiver"))
    answer = await sent(receiver.url)
    assert answer == Answer(status, f"HTTP {status}")
    assert not answer.is_final


async def test_a_receiver_that_is_gone_wants_no_more(receiver: Receiver) -> None:
    receiver.answers.append(web.Response(status=410))
    answer = await sent(receiver.url)
    assert answer == Answer(410, "HTTP 410")
    assert answer.is_final


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    target = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    receiver.answers.append(web.Response(status=status, headers=target))
    answer = await sent(receiver.url)
    assert answer == Answer(status, f"HTTP {status}, and redirects are not followed")
    assert [each.path for each in receiver.received] == ["/hook"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("120", 120.0), ("0", 0.0), ("99999999", MAX_RETRY_AFTER), ("soon", 0.0), ("-5", 0.0)],
)
async def test_a_receiver_may_ask_to_wait(receiver: Receiver, given: str, expected: float) -> None:
    receiver.answers.append(web.Response(status=429, headers={"Retry-After": given}))
    assert (await sent(receiver.url)).retry_after == expected


async def test_a_host_that_takes_no_connection_is_an_error() -> None:
    answer = await sent(f"http://127.0.0.1:{free_port()}/")
    assert answer == Answer(None, "the host does not accept connections")


async def test_a_receiver_that_does_not_answer_is_an_error(receiver: Receiver) -> None:
    receiver.may_answer.clear()
    assert await sent(receiver.url, timeout=0.2) == Answer(None, "no answer in time")


async def test_an_address_that_is_not_allowed_is_an_error(receiver: Receiver) -> None:
    answer = await sent(receiver.url, OutgoingPolicy(HTTP_TOO))
    assert answer.status is None
    assert "CSVMILL_OUTGOING_NETWORKS" in (answer.error or "")
    answer = await sent(receiver.url, OutgoingPolicy(networks=LOCAL.networks))
    assert "https://" in (answer.error or "")
    assert not receiver.received


async def test_a_body_without_end_is_not_read() -> None:
    sending = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
                await writer.drain()
        except ConnectionError:
            sending.set()  # the sender has closed the connection
        finally:
            writer.close()

    async with raw_server(serve) as port:
        assert await sent(f"http://127.0.0.1:{port}/") == Answer(200)
        await sending.wait()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "the connection ended without an answer"),
        (b"+OK Dovecot ready\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "the answer is not HTTP"),
    ],
    ids=["nothing", "another protocol", "a header without end"],
)
async def test_what_is_no_answer_is_an_error(answer: bytes, error: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with raw_server(serve) as port:
        assert await sent(f"http://127.0.0.1:{port}/") == Answer(None, error)


async def test_a_certificate_without_an_authority_is_an_error(tmp_path: Path) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(serve, self_signed(tmp_path)) as port:
        answer = await sent(f"https://127.0.0.1:{port}/")
    assert answer == Answer(None, "the certificate of the host is not valid")


async def test_a_host_without_tls_is_an_error(receiver: Receiver) -> None:
    answer = await sent(receiver.url.replace("http:", "https:"))
    assert answer == Answer(None, "the TLS handshake with the host failed")
