"""Forms that are cut off: no byte of their chunks is recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.forwarding import Forwarding
from tests.unit.gateway.conftest import PART_STORED, dropzone_form
from tests.unit.gateway.forms import BOUNDARY, FormBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from shared.blobs.blob import BlobInfo, BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

BODY = b"efgh" * 250_000
END = f"\r\n--{BOUNDARY}--\r\n".encode()
FIELDS = [
    ("dzuuid", "u"),
    ("dzchunkbyteoffset", "1000000"),
    ("dzchunksize", "1000000"),
    ("dztotalfilesize", "3000000"),
]
FILE = ("file", BODY, 'filename="plays.csv"')
FORMS = {"file last": FormBody.of(*FIELDS, FILE), "file first": FormBody.of(FILE, *FIELDS)}


@pytest.mark.parametrize("order", FORMS)
@pytest.mark.parametrize(
    "missing",
    [
        len(b"-\r\n"),  # `--boundary-`
        len(b"--\r\n"),  # a boundary, but not the closing one
        len(b"0gW--\r\n"),  # within the boundary
        len(END),  # all of it
        len(END) + 1,
        500_000,
        1_000_000,
    ],
)
async def test_a_body_without_its_closing_boundary_is_refused_and_changes_nothing(
    gateway: Gateway, order: str, missing: int
) -> None:
    # Given a form without its end, and with the Content-Length of the bytes that are sent
    whole = FORMS[order]
    # When it is sent, then it is refused
    status, answer = await gateway.post(whole.cut(len(whole.content) - missing))
    assert (status, answer["status"]) == (400, "error")
    assert await gateway.received("u") == []
    # And the complete form is accepted
    assert await gateway.post(whole) == (200, PART_STORED)
    assert await gateway.received("u") == [(1_000_000, 2_000_000)]


async def test_the_blank_line_after_the_closing_boundary_may_be_missing(gateway: Gateway) -> None:
    whole = FORMS["file last"]
    assert await gateway.post(whole.cut(len(whole.content) - 2)) == (200, PART_STORED)


# aiohttp's reader warns of a Content-Disposition that is cut.
@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
async def test_every_cut_of_a_small_form_is_refused(gateway: Gateway) -> None:
    # Given a form whose chunk has bytes that look like boundaries
    body = b"\r\n--" + BOUNDARY[:-1].encode() + b"\r\n----\r\n\r\n--"
    whole = dropzone_form("small", body, 0, 100, 1000)
    # When it is cut anywhere before the end of the closing boundary
    for length in range(len(whole.content) - 2):
        status, _ = await gateway.post(whole.cut(length))
        assert status == 400, whole.content[:length][-80:]
    assert await gateway.received("small") == []
    # Then only the complete form is stored
    assert await gateway.post(whole) == (200, PART_STORED)
    assert await gateway.received("small") == [(0, len(body))]


class WatchedBlobs(Forwarding):
    """Records when a write has begun and how it ended."""

    def __init__(self, blobs: FilesystemBlobs) -> None:
        super().__init__(blobs)
        self.begun = asyncio.Event()
        self.ended: asyncio.Future[BaseException | None] = asyncio.Future()

    async def write(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], **more: Any
    ) -> BlobInfo:
        self.begun.set()
        try:
            info: BlobInfo = await self._behind.write(key, offset, data, **more)
        except BaseException as error:
            self.ended.set_result(error)
            raise
        self.ended.set_result(None)
        return info


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_connection_cut_in_mid_chunk_records_nothing(
    start_gateway: Start, caplog: pytest.LogCaptureFixture, chunked: bool
) -> None:
    # Given a chunk that is being streamed to storage
    watched: list[WatchedBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> WatchedBlobs:
        watched.append(WatchedBlobs(blobs))
        return watched[0]

    gateway = await start_gateway(blobs=in_front)
    whole = FORMS["file last"].content
    _, writer = await asyncio.open_connection(*gateway.address)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(whole)}"
    writer.write(
        f"POST /api/upload_file HTTP/1.1\r\nHost: x\r\n{length}\r\n"
        f"Content-Type: {FORMS['file last'].content_type}\r\n\r\n".encode()
    )
    half = whole[:600_000]
    writer.write(b"%x\r\n%b\r\n" % (len(half), half) if chunked else half)
    await asyncio.wait_for(watched[0].begun.wait(), 10)
    # When the connection breaks
    writer.transport.abort()
    # Then the write fails, nothing is recorded, and no error is logged
    assert await asyncio.wait_for(watched[0].ended, 10) is not None
    assert await gateway.received("u") == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("order", FORMS)
async def test_a_client_that_stalls_is_cut_off_and_records_nothing(
    start_gateway: Start, order: str
) -> None:
    # Given a client that sends half a chunk, and then nothing
    gateway = await start_gateway(client_timeout=0.2)
    whole = FORMS[order]
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(
        f"POST /api/upload_file HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole.content)}\r\n"
        f"Content-Type: {whole.content_type}\r\n\r\n".encode()
    )
    writer.write(whole.content[:600_000])
    # Then it gets an error
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert await gateway.received("u") == []
    writer.close()
    await writer.wait_closed()
