"""Trailer fields, over real connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from shared.errors import InvalidInput
from shared.http.trailers import LIMIT, TrailerRunner, declares_trailer, request_trailers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@asynccontextmanager
async def connected(
    runner_class: type[web.AppRunner] = TrailerRunner,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a service that answers with the length of the body and the trailers."""

    async def show(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            found = sorted(request_trailers(request).items())
        except InvalidInput as error:
            return web.Response(text=f"refused: {error}", status=400)
        return web.Response(text=f"{len(body)} {found}")

    app = web.Application()
    app.router.add_post("/", show)
    runner = runner_class(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        try:
            yield reader, writer
        finally:
            writer.close()
    finally:
        await runner.cleanup()


async def answer(reader: asyncio.StreamReader) -> str:
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return (await reader.readexactly(int(fields[b"Content-Length"]))).decode()


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", "3 []"),
        (b"0\r\n\r\n", "0 []"),
        (b"3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n", "3 [('X-A', '1')]"),
        (b"3\r\nabc\r\n000;ext=1\r\nX-A:  1 \r\nx-b:\r\n\r\n", "3 [('X-A', '1'), ('x-b', '')]"),
        (b"0\r\nX-A: 1\r\nX-A: 2\r\n\r\n", "0 [('X-A', '1'), ('X-A', '2')]"),
        # A body that looks like the end of a body
        (chunk(b"0\r\nX-Fake: 1\r\n\r\n") + b"0\r\nX-A: 1\r\n\r\n", "16 [('X-A', '1')]"),
        (chunk(b"0\r\nX-Fake: 1\r\n\r\n") + b"0\r\n\r\n", "16 []"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 2, 1000])
async def test_trailers_are_the_fields_after_the_last_chunk(
    body: bytes, seen: str, pieces: int
) -> None:
    message = HEAD + body
    step = max(1, len(message) // pieces)
    async with connected() as (reader, writer):
        for at in range(0, len(message), step):
            writer.write(message[at : at + step])
            await writer.drain()
            await asyncio.sleep(0)
        assert await answer(reader) == seen


async def test_trailers_of_one_request_do_not_appear_in_the_next() -> None:
    async with connected() as (reader, writer):
        for end, seen in [(b"X-A: 1\r\n", "0 [('X-A', '1')]"), (b"", "0 []")]:
            writer.write(HEAD + b"0\r\n" + end + b"\r\n")
            assert await answer(reader) == seen


async def test_trailers_followed_by_another_request_are_refused() -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD + b"0\r\nX-A: 1\r\n\r\n" + HEAD)
        assert (await answer(reader)).startswith("refused: the trailers cannot be read")


async def test_trailers_beyond_the_limit_are_refused() -> None:
    # Each field is short enough for aiohttp.
    fields = b"".join(b"X-%d: %s\r\n" % (i, b"0" * 1000) for i in range(LIMIT // 1000 + 1))
    async with connected() as (reader, writer):
        writer.write(HEAD + b"0\r\n" + fields + b"\r\n")
        assert (await answer(reader)).startswith("refused: the trailers cannot be read")


async def test_a_server_that_does_not_keep_trailers_raises_an_error() -> None:
    async with connected(web.AppRunner) as (reader, writer):
        writer.write(HEAD + b"0\r\nX-A: 1\r\n\r\n")
        assert await answer(reader) == (
            "refused: trailers are not supported here; send the field as a header"
        )


async def test_declared_trailers_are_found_by_name_in_any_case() -> None:
    def request(*declared: str) -> web.Request:
        headers = CIMultiDict([("Trailer", text) for text in declared])
        return make_mocked_request("POST", "/", headers=headers)

    assert declares_trailer(request("x, UPLOAD-checksum"), "Upload-Checksum")
    assert declares_trailer(request("x", "Upload-Checksum"), "Upload-Checksum")
    assert not declares_trailer(request("x", "Upload"), "Upload-Checksum")
    assert not declares_trailer(request(), "Upload-Checksum")
