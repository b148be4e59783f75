"""Files behind URLs, served by a server that answers as each test says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import aiohttp
import pytest

from processor.fetching.http_file import HttpFile
from processor.fetching.remote import Entity, RemoteChanged, RemoteFailed, RemoteRefused
from shared.http.outgoing import HTTP_TOO, OutgoingPolicy, open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOPBACK = (ip_network("127.0.0.0/8"),)
DATA = bytes(range(256)) * 40
DATE = "Date: Mon, 30 Nov 2026 12:00:10 GMT\r\n"


@dataclass
class Server:
    """Answers each connection with the next answer, and closes it."""

    answers: list[bytes]
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answers.pop(0))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def url(self, path: str = "/a.csv?token=secret") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def serving(*answers: str | bytes) -> AsyncIterator[Server]:
    server = Server([a.encode() if isinstance(a, str) else a for a in answers])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def answer(
    head: str, body: bytes = DATA, status: str = "200 OK", *, length: int | None = -1
) -> bytes:
    given = "" if length is None else f"Content-Length: {len(body) if length < 0 else length}\r\n"
    lines = head.replace("\n", "\r\n")
    return f"HTTP/1.1 {status}\r\n{given}{DATE}{lines}\r\n".encode() + body


async def fetched(
    server: Server, offset: int = 0, known: Entity | None = None, *, hosts: str = "127.0.0.1"
) -> tuple[int, Entity, bytes]:
    policy = OutgoingPolicy(HTTP_TOO, LOOPBACK, (hosts,))
    timeout = aiohttp.ClientTimeout(total=20)
    async with open_session(policy, timeout=timeout) as session:
        file = HttpFile(session, policy, server.url())
        async with file.open(offset, known) as found:
            return found.start, found.entity, b"".join([piece async for piece in found.pieces])


async def test_a_file_is_read_with_its_validators_as_it_is() -> None:
    async with serving(
        answer('ETag: "v1"\nLast-Modified: Mon, 30 Nov 2026 11:00:00 GMT\n')
    ) as server:
        found = await fetched(server)

    modified = "Mon, 30 Nov 2026 11:00:00 GMT"
    assert found == (0, Entity('"v1"', modified, len(DATA)), DATA)
    assert "Accept-Encoding: identity\r\n" in server.requests[0]
    assert "Range:" not in server.requests[0]


async def test_the_rest_of_a_file_is_asked_for_if_it_is_still_the_same() -> None:
    rest = answer(
        f'ETag: "v1"\nContent-Range: bytes 100-{len(DATA) - 1}/{len(DATA)}\n',
        DATA[100:],
        "206 Partial Content",
    )
    async with serving(rest) as server:
        found = await fetched(server, 100, Entity('"v1"', None, len(DATA)))

    assert found == (100, Entity('"v1"', None, len(DATA)), DATA[100:])
    assert "Range: bytes=100-\r\n" in server.requests[0]
    assert 'If-Range: "v1"\r\n' in server.requests[0]


async def test_a_date_stands_for_a_missing_tag_if_it_is_strong() -> None:
    old, new = "Mon, 30 Nov 2026 12:00:08 GMT", "Mon, 30 Nov 2026 12:00:10 GMT"
    async with serving(
        answer(f"Last-Modified: {old}\n"), answer(f"Last-Modified: {new}\n"), answer("")
    ) as server:
        assert (await fetched(server))[1] == Entity(None, old, len(DATA))
        assert (await fetched(server))[1] == Entity(None, None, len(DATA))
        await fetched(server, 5, Entity(None, old, None))

    assert f"If-Range: {old}\r\n" in server.requests[2]


@pytest.mark.parametrize("tag", ['W/"v1"', None])
async def test_without_a_strong_validator_the_file_is_read_from_its_start(tag: str | None) -> None:
    async with serving(answer(f"ETag: {tag}\n" if tag else "")) as server:
        start, _, data = await fetched(server, 100, Entity(tag, None, len(DATA)))

    assert (start, data) == (0, DATA)
    assert "Range:" not in server.requests[0]


async def test_a_server_without_ranges_sends_the_file_from_its_start() -> None:
    async with serving(answer('ETag: "v1"\n')) as server:
        start, _, data = await fetched(server, 100, Entity('"v1"', None, len(DATA)))

    assert (start, data) == (0, DATA)


@pytest.mark.parametrize(
    "head",
    ['ETag: "v2"\n', 'ETag: "v1"\nLast-Modified: Mon, 30 Nov 2026 11:00:01 GMT\n'],
)
async def test_a_file_that_changed_is_refused(head: str) -> None:
    known = Entity('"v1"', "Mon, 30 Nov 2026 11:00:00 GMT", len(DATA))
    async with serving(answer(head)) as server:
        with pytest.raises(RemoteChanged, match=r"127\.0\.0\.1 has changed"):
            await fetched(server, 100, known)


async def test_a_file_of_another_length_has_changed() -> None:
    part = answer(
        'ETag: "v1"\nContent-Range: bytes 100-199/200\n', DATA[100:200], "206 Partial Content"
    )
    async with serving(part, answer("", DATA[:50])) as server:
        for known in (Entity('"v1"', None, len(DATA)), Entity(None, None, len(DATA))):
            with pytest.raises(RemoteChanged):
                await fetched(server, 100, known)


async def test_a_file_of_unknown_length_that_is_chunked_is_read_to_its_end() -> None:
    body = b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
    async with serving(answer("Transfer-Encoding: chunked\n", body, length=None)) as server:
        assert await fetched(server) == (0, Entity(None, None, None), b"abcdefgh")


async def test_a_file_whose_end_nothing_marks_is_refused() -> None:
    async with serving(answer("Connection: close\n", length=None)) as server:
        with pytest.raises(RemoteRefused, match="neither how long the file is nor where it ends"):
            await fetched(server)


@pytest.mark.parametrize(
    "cut",
    [
        answer('ETag: "v1"\n', DATA[:100], length=len(DATA)),
        answer("Transfer-Encoding: chunked\n", b"5\r\nabcde\r\n", length=None),
    ],
)
async def test_a_file_that_ends_too_early_has_failed_for_now(cut: bytes) -> None:
    async with serving(cut) as server:
        with pytest.raises(RemoteFailed, match=r"the connection to 127\.0\.0\.1 was lost"):
            await fetched(server)


async def test_a_file_that_ended_where_the_next_byte_was_asked_for_is_complete() -> None:
    ended = answer("Content-Range: bytes */100\n", b"", "416 Range Not Satisfiable")
    async with serving(ended, ended) as server:
        found = await fetched(server, 100, Entity('"v1"', None, None))
        assert found == (100, Entity('"v1"', None, 100), b"")
        with pytest.raises(RemoteChanged, match="has no byte 101 any more"):
            await fetched(server, 101, Entity('"v1"', None, None))


@pytest.mark.parametrize(
    "given", ["bytes 0-99/200", "bytes 100-150/10240", "bytes 100-10239/*x", "", "bytes 100-99/*"]
)
async def test_other_bytes_than_those_asked_for_are_refused(given: str) -> None:
    part = answer(f'ETag: "v1"\nContent-Range: {given}\n', DATA[100:], "206 Partial Content")
    async with serving(part) as server:
        with pytest.raises(RemoteRefused, match="returned a different range"):
            await fetched(server, 100, Entity('"v1"', None, None))


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
async def test_a_coding_that_is_a_compression_of_files_is_kept(coding: str) -> None:
    async with serving(answer(f"Content-Encoding: {coding}\n")) as server:
        assert (await fetched(server))[2] == DATA


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate"])
async def test_another_content_coding_is_refused(coding: str) -> None:
    async with serving(answer(f"Content-Encoding: {coding}\n")) as server:
        with pytest.raises(RemoteRefused, match=f"with the content coding '{coding}'"):
            await fetched(server)


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "410 Gone", "204 No Content"])
async def test_a_refusal_is_final(status: str) -> None:
    async with serving(answer("", b"", status, length=None)) as server:
        with pytest.raises(RemoteRefused, match=rf"^127\.0\.0\.1 answers {status}$"):
            await fetched(server)


@pytest.mark.parametrize(
    ("status", "head", "wait"),
    [
        ("503 Service Unavailable", "Retry-After: 7\n", 7.0),
        ("429 Too Many Requests", "", None),
        ("500 Oops", "Retry-After: soon\n", None),
        ("504 Gateway Timeout", "Retry-After: 99999999999999\n", 3600.0),
        ("408 Request Timeout", "Retry-After: Mon, 30 Nov 2020 12:00:00 GMT\n", 0.0),
    ],
)
async def test_a_failure_of_the_server_may_pass(status: str, head: str, wait: float | None) -> None:
    async with serving(answer(head, b"x", status)) as server:
        with pytest.raises(RemoteFailed, match=f"answers {status}") as failed:
            await fetched(server)
    assert failed.value.retry_after == wait


async def test_a_redirect_is_followed_with_the_same_conditions() -> None:
    away = answer("Location: /b.csv\n", b"", "302 Found")
    async with serving(away, answer('ETag: "v1"\n')) as server:
        assert (await fetched(server, 9, Entity('"v1"', None, None)))[2] == DATA

    assert server.requests[1].startswith("GET /b.csv HTTP/1.1\r\n")
    assert 'If-Range: "v1"\r\n' in server.requests[1]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://other.example/", "other.example is not a host"),
        ("http://169.254.169.254/latest", "169.254.169.254 is not a host"),
        ("file:///etc/passwd", "has to begin with"),
        ("http://user:word@127.0.0.1/", "a user or a password"),
        ("", "without a Location"),
    ],
)
async def test_a_redirect_is_judged_as_the_url_is(location: str, message: str) -> None:
    async with serving(answer(f"Location: {location}\n", b"", "307 Temporary Redirect")) as server:
        with pytest.raises(RemoteRefused, match=message):
            await fetched(server)


async def test_redirects_without_an_end_are_refused() -> None:
    on = [answer(f"Location: /{i}\n", b"", "301 Moved Permanently") for i in range(6)]
    async with serving(*on) as server:
        with pytest.raises(RemoteRefused, match="redirects more than 5 times"):
            await fetched(server)


async def test_no_message_has_the_query_of_a_url() -> None:
    async with serving() as server:
        pass
    with pytest.raises(RemoteFailed, match="does not answer") as failed:
        await fetched(server)
    assert "secret" not in str(failed.value)
