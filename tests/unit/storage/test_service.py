"""The service on the wire, without our own client."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.http.errors import answer_error
from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.blobs.codecs import decode_error
from shared.blobs.protocol import blob_path, chunk_path, info_path
from shared.errors import StorageFull, error_classes
from storage import errors
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from shared.errors import CsvmillError


KEY = upload_key(UUID(int=1))
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
MIB = 1 << 20


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def at(url: str, path: str) -> URL:
    return URL(url + path, encoded=True)


class Connection:
    """Plain HTTP, to do what a correct client does not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Connection:
        parsed = URL(url)
        return cls(*await asyncio.open_connection(parsed.host, parsed.port))

    async def send_head(self, method: str, path: str, headers: dict[str, str]) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: storage"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, Any]]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        length = [
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length:")
        ]
        body = await self._reader.readexactly(length[0]) if length else b"{}"
        return status, json.loads(body)

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \udce9"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", blob_path(KEY)),
        ("GET", blob_path(KEY)),
        ("DELETE", blob_path(KEY)),
        ("GET", info_path(KEY)),
        ("PUT", chunk_path(KEY, 0)),
        ("GET", "/ping"),
    ],
)
async def test_a_request_without_the_token_has_no_effect(
    url: str,
    blobs: FilesystemBlobs,
    session: aiohttp.ClientSession,
    authorization: str | None,
    method: str,
    path: str,
) -> None:
    await blobs.create(KEY, 3)
    headers = {} if authorization is None else {"Authorization": authorization}

    async with session.request(method, at(url, path), headers=headers, data=b"abc") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["code"] == "unauthorized"

    assert not (await blobs.info(KEY)).received


async def test_health_needs_no_token(url: str, session: aiohttp.ClientSession) -> None:
    for path in ("/healthz", "/readyz"):
        async with session.get(at(url, path)) as answer:
            assert answer.status == 200


async def test_readiness_tells_that_uploads_have_no_space(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    folder = tmp_path / "small"
    async with (
        FilesystemBlobs(folder, fsync=False, reserve=1 << 62) as full,
        storage_server(folder, full) as url,
        HttpBlobs(url, TOKEN) as client,
    ):
        async with session.get(at(url, "/readyz")) as answer:
            assert answer.status == 503
            found = await answer.json()
        assert (found["status"], found["blobs"]) == ("unavailable", "ok")
        assert "space left for results only" in found["room"]
        assert str(tmp_path) not in str(found)
        # Callers learn it too, and do not take storage to be away
        with pytest.raises(StorageFull, match="space left for results only"):
            await client.check_room()
        await client.ping()


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_an_incomplete_body_records_nothing(
    url: str, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch, framing: str
) -> None:
    await blobs.create(KEY, 4 * MIB)
    ended = asyncio.Event()
    write = blobs.write

    async def watched(*args: Any, **more: Any) -> Any:
        try:
            return await write(*args, **more)
        finally:
            ended.set()

    monkeypatch.setattr(blobs, "write", watched)
    connection = await Connection.to(url)
    body = bytes(3 * MIB)
    if framing == "length":
        await connection.send_head(
            "PUT", chunk_path(KEY, 0), {**AUTHORIZED, "Content-Length": str(4 * MIB)}
        )
        await connection.send(body)
    else:
        await connection.send_head(
            "PUT", chunk_path(KEY, 0), {**AUTHORIZED, "Transfer-Encoding": "chunked"}
        )
        await connection.send(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    await connection.close()

    await asyncio.wait_for(ended.wait(), 10)
    assert not (await blobs.info(KEY)).received


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({}, chunk_path(KEY, 0), 401),
        (AUTHORIZED, chunk_path(upload_key(UUID(int=2)), 0), 404),
        (AUTHORIZED, "/blobs/NotAKey/chunks/0", 400),
        (AUTHORIZED, chunk_path(KEY, 11), 400),
        (AUTHORIZED, "/blobs/nothing/like/this", 404),
    ],
)
async def test_a_client_that_sends_everything_before_it_reads_gets_the_refusal(
    url: str, blobs: FilesystemBlobs, headers: dict[str, str], path: str, status: int
) -> None:
    await blobs.create(KEY, 10)
    size = 24 * MIB
    connection = await Connection.to(url)

    await connection.send_head("PUT", path, {**headers, "Content-Length": str(size)})
    for _ in range(24):
        await connection.send(bytes(MIB))
    head = await asyncio.wait_for(connection._reader.readline(), 10)

    assert int(head.split()[1]) == status
    await connection.close()


async def test_a_connection_can_be_used_after_a_refusal(url: str, blobs: FilesystemBlobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    connection = await Connection.to(url)

    await connection.send_head(
        "PUT", chunk_path(KEY, 3 * MIB), {**AUTHORIZED, "Content-Length": str(2 * MIB)}
    )
    await connection.send(bytes(2 * MIB))
    refused = await connection.answer()
    await connection.send_head("PUT", chunk_path(KEY, 0), {**AUTHORIZED, "Content-Length": "3"})
    await connection.send(b"abc")
    taken = await connection.answer()

    assert (refused[0], refused[1]["code"]) == (400, "chunk_out_of_bounds")
    assert (taken[0], taken[1]["received"]) == (200, [[0, 3]])
    await connection.close()


async def stored(blobs: FilesystemBlobs) -> None:
    await blobs.create(KEY, 10, sha256=hashlib.sha256(b"0123456789").hexdigest())
    await blobs.write(KEY, 0, stream(b"0123456789"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", b"0123456789"),
        ("?start=2", b"23456789"),
        ("?start=2&stop=5", b"234"),
        ("?start=0&stop=10", b"0123456789"),
        ("?start=5&stop=5", b""),
        ("?stop=3", b"012"),
    ],
)
async def test_exactly_the_requested_interval_is_sent(
    url: str, blobs: FilesystemBlobs, session: aiohttp.ClientSession, query: str, expected: bytes
) -> None:
    await stored(blobs)
    async with session.get(at(url, blob_path(KEY) + query), headers=AUTHORIZED) as answer:
        assert (answer.status, await answer.read()) == (200, expected)
        assert answer.content_length == len(expected)
        assert answer.content_type == "application/octet-stream"
    async with session.head(at(url, blob_path(KEY) + query), headers=AUTHORIZED) as answer:
        assert (answer.status, answer.content_length) == (200, len(expected))


async def test_conditions_and_ranges_of_http_are_left_to_the_gateway(
    url: str, blobs: FilesystemBlobs, session: aiohttp.ClientSession
) -> None:
    await stored(blobs)
    fields = {"Range": "bytes=2-4", "If-None-Match": "*", "If-Match": '"x"'}
    async with session.get(at(url, blob_path(KEY)), headers={**AUTHORIZED, **fields}) as answer:
        assert (answer.status, await answer.read()) == (200, b"0123456789")
        assert not {"ETag", "Accept-Ranges", "Repr-Digest"} & set(answer.headers)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?start=11", 400, "chunk_out_of_bounds"),
        ("?start=0&stop=11", 400, "chunk_out_of_bounds"),
        ("?start=6&stop=5", 400, "chunk_out_of_bounds"),
        ("?start=-1", 400, "invalid_input"),
        ("?start=x", 400, "invalid_input"),
        ("?stop=", 400, "invalid_input"),
        (f"?stop={'9' * 20}", 400, "invalid_input"),
    ],
)
async def test_an_interval_that_is_not_in_the_blob_is_refused(
    url: str,
    blobs: FilesystemBlobs,
    session: aiohttp.ClientSession,
    query: str,
    status: int,
    code: str,
) -> None:
    await stored(blobs)
    async with session.get(at(url, blob_path(KEY) + query), headers=AUTHORIZED) as answer:
        assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_bytes_that_have_not_been_received_are_a_conflict(
    url: str, blobs: FilesystemBlobs, session: aiohttp.ClientSession
) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 2, stream(b"234567"))

    path = blob_path(KEY) + "?start=2&stop=5"
    async with session.get(at(url, path), headers=AUTHORIZED) as part:
        assert (part.status, await part.read()) == (200, b"234")
    for query in ("", "?start=0&stop=5", "?start=7&stop=9"):
        path = blob_path(KEY) + query
        async with session.get(at(url, path), headers=AUTHORIZED) as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, "blob_incomplete")
        async with session.head(at(url, path), headers=AUTHORIZED) as answer:
            assert answer.status == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"size": "10"}', "size"),
        (b'{"size": true}', "size"),
        (b'{"size": 10, "sha256": 5}', "sha256"),
        (b'{"size": 10, "metadata": {"a": 1}}', "metadata"),
        (b'{"size": 10, "metadata": []}', "metadata"),
    ],
)
async def test_a_malformed_declaration_is_refused(
    url: str, session: aiohttp.ClientSession, body: bytes, field: str | None
) -> None:
    async with session.put(at(url, blob_path(KEY)), headers=AUTHORIZED, data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["field"] == field


@pytest.mark.parametrize("kind", error_classes().values())
async def test_every_error_keeps_its_code_and_status_on_the_wire(
    kind: type[CsvmillError], aiohttp_client: Any
) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise kind("the message")

    app = web.Application(middlewares=[errors.answer_errors])
    app.router.add_get("/", fail)
    client = await aiohttp_client(app)

    answer = await client.get("/")

    assert answer.status == kind.internal_status
    assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)
    decoded = decode_error(await answer.json())
    assert (type(decoded), str(decoded)) == (kind, "the message")


@web.middleware
async def as_gateways_do(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001
        return await answer_error(request, error)


@pytest.mark.parametrize("middleware", [errors.answer_errors, as_gateways_do])
async def test_a_caller_that_disconnects_is_not_logged_as_an_error(
    middleware: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tried = asyncio.Event()

    async def lose_the_caller(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            await response.write(b"x")
        finally:
            tried.set()
        return response

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", lose_the_caller)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    await asyncio.wait_for(tried.wait(), 10)
    await runner.cleanup()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
