"""Storage services that tests write."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.blobs.blob import BlobInfo, upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.client import HttpBlobs
from shared.blobs.codecs import encode_answer, encode_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Call = Callable[[HttpBlobs], Awaitable[object]]


KEY, OTHER = upload_key(UUID(int=1)), upload_key(UUID(int=2))
MIB = 1 << 20


@asynccontextmanager
async def client_of(
    handler: Handler, timeout: float = 10, answer_timeout: float = 10
) -> AsyncIterator[HttpBlobs]:
    """A client all of whose requests are answered by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        url = str(server.make_url("/"))
        async with HttpBlobs(
            url, "token", progress_timeout=timeout, answer_timeout=answer_timeout
        ) as blobs:
            yield blobs
    finally:
        await server.close()


def info_of(size: int) -> dict[str, object]:
    return encode_info(BlobInfo(KEY, size, RangeSet.of([(0, size)])))


async def admit(_blob: BlobInfo) -> None:
    """Admit any chunk."""


def first_answer() -> bytes:
    return encode_answer(BlobInfo(KEY, 3, RangeSet()))


async def begun(request: web.Request) -> web.StreamResponse:
    """A response with the first answer."""
    assert await request.content.readline()
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(first_answer())
    return response
