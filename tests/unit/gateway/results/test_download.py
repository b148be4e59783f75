"""`GET` and `HEAD /api/download_file/{job_id}`, over the wire."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import logging
import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from gateway.results.disposition import content_disposition
from shared.blobs.content import Content
from shared.errors import StorageUnavailable
from shared.http.taking import Taking
from tests.forwarding import Forwarding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import Message

    from shared.blobs.blob import BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

# More than sockets and buffers hold between the two ends.
RESULT = random.Random(3).randbytes(24_000_000)
ETAG = f'"{hashlib.sha256(RESULT).hexdigest()}"'
# 2020-09-13 12:26:40 GMT
FINISHED = 1_600_000_000.5
FINISHED_DATE = "Sun, 13 Sep 2020 12:26:40 GMT"
SIZE = len(RESULT)


async def ask(
    gateway: Gateway, path: str, method: str = "GET", **headers: str
) -> tuple[int, Message, bytes]:
    """Send one request on its own connection, with a client that interprets nothing."""

    def request() -> tuple[int, Message, bytes]:
        connection = http.client.HTTPConnection(*gateway.address, timeout=30)
        try:
            connection.request(
                method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(request)


@pytest.fixture
async def path(gateway: Gateway) -> str:
    """The path of a result of 24 MB."""
    job = await gateway.finished_job(RESULT, filename="plays.csv", finished_at=FINISHED)
    return f"/api/download_file/{job.id}"


async def test_the_whole_result_is_an_attachment_with_its_digest(
    gateway: Gateway, path: str
) -> None:
    status, headers, body = await ask(gateway, path)
    assert (status, body == RESULT) == (200, True)
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="plays.csv"'
    assert headers["ETag"] == ETAG
    assert headers["Last-Modified"] == FINISHED_DATE
    assert headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in headers


async def test_head_has_the_header_of_get_and_no_content(gateway: Gateway, path: str) -> None:
    _, of_get, _ = await ask(gateway, path)
    status, of_head, body = await ask(gateway, path, "HEAD", Range="bytes=0-9")
    assert (status, body) == (200, b"")
    # The content of an answer to HEAD is empty (RFC 9530, B.2).
    del of_get["Content-Digest"]
    for own in ("Date", "X-Request-Id"):
        del of_get[own], of_head[own]
    assert of_head.items() == of_get.items()


@pytest.mark.parametrize(
    ("field", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048590", 1_048_570, 1_048_591),
        ("bytes=23999999-", SIZE - 1, SIZE),
        ("bytes=100-99999999999", 100, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        ("bytes=0-", 0, SIZE),
    ],
)
async def test_a_single_range_is_206(
    gateway: Gateway, path: str, field: str, start: int, stop: int
) -> None:
    status, headers, body = await ask(gateway, path, Range=field)
    assert (status, body == RESULT[start:stop]) == (206, True)
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert headers["Content-Length"] == str(stop - start)
    # RFC 9110, 15.3.7
    assert (headers["ETag"], headers["Last-Modified"]) == (ETAG, FINISHED_DATE)
    assert headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("field", ["bytes=24000000-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416(gateway: Gateway, path: str, field: str) -> None:
    status, headers, body = await ask(gateway, path, Range=field)
    assert status == 416
    assert headers["Content-Range"] == f"bytes */{SIZE}"
    assert b'"status": "error"' in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "lines=0-9"},
        {"Range": "bytes=9-0"},
        {"Range": "bytes=0-9", "If-Range": '"another"'},
        {"Range": "bytes=0-9", "If-Range": f"W/{ETAG}"},
        {"Range": "bytes=0-9", "If-Range": "Sun, 13 Sep 2020 12:26:39 GMT"},
    ],
)
async def test_an_ignored_range_gets_the_whole_result(
    gateway: Gateway, path: str, headers: dict[str, str]
) -> None:
    status, answer, body = await ask(gateway, path, **headers)
    assert (status, body == RESULT, "Content-Range" in answer) == (200, True, False)


@pytest.mark.parametrize("validator", [ETAG, FINISHED_DATE])
async def test_an_interrupted_download_is_resumed(
    gateway: Gateway, path: str, validator: str
) -> None:
    status, _, rest = await ask(gateway, path, Range="bytes=5000-", **{"If-Range": validator})
    assert (status, RESULT[:5000] + rest == RESULT) == (206, True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_unchanged_result_is_304(gateway: Gateway, path: str, method: str) -> None:
    for condition in ({"If-None-Match": ETAG}, {"If-Modified-Since": FINISHED_DATE}):
        status, headers, body = await ask(gateway, path, method, **condition)
        assert (status, body) == (304, b"")
        # RFC 9110, 15.4.5
        assert headers["ETag"] == ETAG
        assert "Content-Range" not in headers


async def test_a_failed_condition_is_412(gateway: Gateway, path: str) -> None:
    status, headers, body = await ask(gateway, path, **{"If-Match": '"another"'})
    assert (status, headers["ETag"]) == (412, ETAG)
    assert b'"status": "error"' in body


async def test_an_empty_result_can_be_downloaded(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"")
    path = f"/api/download_file/{job.id}"
    for headers, expected in (
        ({}, 200),
        ({"Range": "bytes=-1"}, 200),
        ({"Range": "bytes=0-"}, 416),
    ):
        status, answer, body = await ask(gateway, path, **headers)
        assert status == expected
        if status == 200:
            assert (body, answer["Content-Length"]) == (b"", "0")


@pytest.mark.parametrize(
    "filename",
    [
        "Čaj in kava.csv",
        'say "hi".csv',
        "a;b.csv",
        "100%.csv",
        "back\\slash.csv",
        "it's*.csv",
        "🎵.csv",
    ],
)
async def test_the_attachment_has_the_name_of_the_input(gateway: Gateway, filename: str) -> None:
    job = await gateway.finished_job(b"x", filename=filename)
    response = await gateway.client.get(f"/api/download_file/{job.id}")
    # As read by a client that implements RFC 6266 and RFC 8187
    assert response.content_disposition is not None
    assert response.content_disposition.type == "attachment"
    assert response.content_disposition.filename == filename


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("plays.csv", 'attachment; filename="plays.csv"'),
        ("a b;c.csv", 'attachment; filename="a b;c.csv"'),
        ('"x".csv', "attachment; filename=\"_x_.csv\"; filename*=UTF-8''%22x%22.csv"),
        ("a\\b.csv", "attachment; filename=\"a_b.csv\"; filename*=UTF-8''a%5Cb.csv"),
        ("50%.csv", "attachment; filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"),
        (
            "é'*(x).csv",
            "attachment; filename=\"_'*(x).csv\"; filename*=UTF-8''%C3%A9%27%2A%28x%29.csv",
        ),
        ("a\r\nb.csv", 'attachment; filename="a__b.csv"'),
    ],
)
def test_content_disposition_has_both_forms_of_the_name(filename: str, expected: str) -> None:
    # RFC 8187, 3.2.1: all characters except attr-char are percent-encoded
    assert content_disposition(filename) == expected


class FailingBlobs(Forwarding):
    """Reading raises an error after some pieces."""

    def __init__(self, blobs: FilesystemBlobs, error: Exception, pieces: int) -> None:
        super().__init__(blobs)
        self._error = error
        self._pieces = pieces

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        if self._pieces < 0:
            raise self._error

        async def failing(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            left = self._pieces
            async for piece in pieces:
                if not left:
                    raise self._error
                left -= 1
                yield piece

        async with self._behind.open(key, start, stop) as content:
            yield Content(failing(content.pieces), content.start, content.stop)


@pytest.mark.parametrize("error", [StorageUnavailable("storage is gone"), ZeroDivisionError()])
async def test_a_storage_failure_during_a_download_breaks_the_connection(
    start_gateway: Start, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    gateway = await start_gateway(blobs=lambda blobs: FailingBlobs(blobs, error, 5))
    job = await gateway.finished_job(RESULT)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await ask(gateway, f"/api/download_file/{job.id}")
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert str(job.id) in errors[0]


@pytest.mark.parametrize("pieces", [-1, 0], ids=["opening", "reading"])
async def test_storage_that_fails_before_the_first_byte_is_503(
    start_gateway: Start, pieces: int
) -> None:
    error = StorageUnavailable("storage is gone")
    gateway = await start_gateway(blobs=lambda blobs: FailingBlobs(blobs, error, pieces))
    job = await gateway.finished_job(RESULT)
    status, headers, body = await ask(gateway, f"/api/download_file/{job.id}")
    assert (status, headers["Retry-After"].isdigit()) == (503, True)
    assert b"storage is gone" in body


@pytest.mark.parametrize("how", ["gone", "restarted", "shorter"])
@pytest.mark.parametrize("path", ["/api/download_file/{}", "/api/v1/jobs/{}/result"])
async def test_a_lost_result_is_a_service_fault_and_logged_once(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, path: str, how: str
) -> None:
    job = await gateway.finished_job(RESULT)
    assert job.result is not None
    await gateway.blobs.delete(job.result.key)
    if how != "gone":
        await gateway.blobs.create(job.result.key, len(RESULT) - (how == "shorter"))
    status, headers, body = await ask(gateway, path.format(job.id))
    assert (status, "Retry-After" in headers) == (500, False)
    answer = json.loads(body)
    text = answer["detail" if path.endswith("result") else "message"]
    assert f"The result of job {job.id}, upload {job.upload_id}, is lost" in text
    if path.endswith("result"):
        assert headers["Content-Type"].startswith("application/problem+json")
        assert (answer["type"], answer["status"]) == ("urn:csvmill:problem:result-lost", 500)
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (line.levelname, line.exc_info) == ("ERROR", None)
    assert f"{job.id}, upload {job.upload_id}, is lost" in line.getMessage()


async def test_a_client_that_disconnects_is_not_logged_as_an_error(
    gateway: Gateway, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readexactly(100_000)
    writer.transport.abort()
    # The next request is still served.
    status, _, _ = await ask(gateway, path, Range="bytes=0-0")
    assert status == 206
    await gateway.client.server.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_no_timer_remains_after_a_download(gateway: Gateway, path: str) -> None:
    # A remaining timer would abort the next request on the connection if its client is slow.
    response = await gateway.client.get(path)
    assert await response.read() == RESULT
    # The answer to another request on this connection shows that the first has ended.
    assert (await gateway.client.get("/healthz")).status == 200
    timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    watching = [timer for timer in timers if Taking.__name__ in repr(timer)]
    assert [timer for timer in watching if not timer.cancelled()] == []


class WatchedBlobs(FailingBlobs):
    """Sets an event when a read has ended."""

    def __init__(self, blobs: FilesystemBlobs) -> None:
        super().__init__(blobs, ZeroDivisionError(), pieces=1_000_000)
        self.ended = asyncio.Event()

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        try:
            async with super().open(key, start, stop) as pieces:
                yield pieces
        finally:
            self.ended.set()


async def test_a_client_that_stops_reading_is_disconnected(start_gateway: Start) -> None:
    watched: list[WatchedBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> WatchedBlobs:
        watched.append(WatchedBlobs(blobs))
        return watched[0]

    # Given a client that sends a request and does not read the answer
    gateway = await start_gateway(blobs=in_front, client_timeout=0.1)
    job = await gateway.finished_job(RESULT)
    reader, writer = await asyncio.open_connection(*gateway.address, limit=1024)
    writer.write(f"GET /api/download_file/{job.id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    # When the timeout has passed, then the gateway closes the blob
    await asyncio.wait_for(watched[0].ended.wait(), 10)
    # And the client receives less than Content-Length
    received = 0
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 20):
            received += len(piece)
    assert received < SIZE
    writer.close()
