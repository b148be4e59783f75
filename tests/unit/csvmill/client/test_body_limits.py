"""A proxy that limits the bodies of requests: chunks shrink."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from aiohttp import web

from csvmill.client import BodyTooLarge
from csvmill.client.appending import UNGROWN
from shared.blobs.byte_ranges import RangeSet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.csvmill.client.conftest import ClientOf

KIB = 1 << 10
CONTENT = random.Random(3).randbytes(3000 * KIB)
PAGE = "<html><head><title>413 Request Entity Too Large</title></head></html>"


class Proxied:
    """A server that keeps one upload in memory, behind a proxy that refuses large bodies."""

    def __init__(self, limit: int, *, page: bool, lose_appends: bool = False) -> None:
        self.limit = limit
        self.page = page
        self.lose_appends = lose_appends
        self.size: int | None = None
        self.content = bytearray(len(CONTENT))
        self.received = RangeSet()
        self.sizes: list[int] = []
        """Of the chunks that were let through."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.lose_appends and request.content_type == "application/partial-upload":
            assert request.transport
            request.transport.abort()
        if (request.content_length or 0) > self.limit:
            await request.read()
            if self.page:
                return web.Response(status=413, text=PAGE, content_type="text/html")
            return web.json_response({"message": "Request Too Long"}, status=413)
        if request.method == "POST":
            self.size = (await request.json())["size"]
            return web.json_response(self.view(), status=201)
        if request.method == "PATCH":
            self.size = (await request.json())["size"]
        if request.method == "PUT":
            data, offset = await request.read(), int(request.path.rpartition("/")[2])
            self.sizes.append(len(data))
            self.content[offset : offset + len(data)] = data
            self.received = self.received.add(offset, offset + len(data))
        return web.json_response(self.view())

    def view(self) -> dict[str, Any]:
        gaps = self.received.missing(0, len(CONTENT))
        missing = [[gap.start, gap.stop] for gap in gaps]
        return {
            "id": "u1", "name": "plays.csv", "size": self.size, "sha256": None,
            "complete": not missing, "received_bytes": len(self.received), "missing": missing,
            "job": None if missing else "/api/v1/jobs/j1",
        }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plays.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("page", [True, False])
async def test_chunks_shrink_to_what_a_proxy_lets_through(
    client_of: ClientOf, file: Path, page: bool
) -> None:
    server = Proxied(300 * KIB, page=page)
    async with client_of(server.handle) as client:
        assert await client.upload(file, chunk_size=1000 * KIB, parallel=1) == "j1"
    assert server.content == CONTENT
    assert set(server.sizes) == {250 * KIB}


async def test_a_file_that_a_proxy_refuses_as_one_body_is_sent_in_chunks(
    client_of: ClientOf, file: Path
) -> None:
    server = Proxied(2000 * KIB, page=True)
    async with client_of(server.handle) as client:
        assert await client.upload(file) == "j1"
    assert server.content == CONTENT


async def test_a_proxy_that_closes_the_connection_gets_chunks_too(
    client_of: ClientOf, file: Path
) -> None:
    stamina.set_testing(True, attempts=UNGROWN + 2)
    server = Proxied(2000 * KIB, page=True, lose_appends=True)
    async with client_of(server.handle) as client:
        assert await client.upload(file) == "j1"
    assert server.content == CONTENT


async def test_the_chunks_of_a_stream_shrink_too(client_of: ClientOf) -> None:
    server = Proxied(300 * KIB, page=False)
    async with client_of(server.handle) as client:
        job_id = await client.upload_stream(
            io.BytesIO(CONTENT), "plays.csv", chunk_size=1000 * KIB, parallel=2
        )
    assert job_id == "j1"
    assert server.content == CONTENT
    assert max(server.sizes) == 250 * KIB


async def test_a_proxy_that_refuses_even_small_chunks_is_named_with_what_to_change(
    client_of: ClientOf, file: Path
) -> None:
    async with client_of(Proxied(KIB, page=True).handle) as client:
        with pytest.raises(BodyTooLarge) as failed:
            await client.upload(file, chunk_size=1000 * KIB)
    message = str(failed.value)
    assert "<" not in message
    assert "--chunk-size" in message
    assert "client_max_body_size" in message
    assert message.endswith("(HTTP 413)")


async def test_the_page_of_a_proxy_is_not_shown(client_of: ClientOf) -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(status=403, text="<html>Forbidden</html>", content_type="text/html")

    async with client_of(handle) as client:
        with pytest.raises(Exception, match=r"^GET http://\S+: Forbidden \(HTTP 403\)$"):
            await client.job("1")
