"""Uploads while storage, the database or the broker fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import DatabaseUnavailable, StorageFull, StorageUnavailable
from tests.forwarding import Forwarding
from tests.unit.gateway.conftest import dropzone_form
from tests.unit.gateway.uploads.dropzone_chunks import form_with, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Start


class BrokenBlobs(Forwarding):
    """`write` raises `error` after `after` bytes, or at once."""

    def __init__(self, blobs: FilesystemBlobs, error: Exception, *, after: int | None) -> None:
        super().__init__(blobs)
        self.error: Exception | None = error
        self._after = after

    async def write(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], **more: Any
    ) -> Any:
        if self.error is None:
            return await self._behind.write(key, offset, data, **more)
        taken = 0
        if self._after is not None:
            async for piece in data:
                taken += len(piece)
                if taken > self._after:
                    break
        raise self.error


@pytest.mark.parametrize("after", [None, 1_000_000])
@pytest.mark.parametrize(
    ("error", "status"),
    [(StorageFull("no room left"), 507), (StorageUnavailable("storage does not answer"), 503)],
)
async def test_a_client_that_is_still_sending_gets_the_response_and_may_repeat(
    start_gateway: Start, error: Exception, status: int, after: int | None
) -> None:
    # Given storage that refuses a chunk of 8 MB before it has received all of it
    broken: list[BrokenBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> BrokenBlobs:
        broken.append(BrokenBlobs(blobs, error, after=after))
        return broken[0]

    gateway = await start_gateway(blobs=in_front)
    body = bytes(8_000_000)
    form = dropzone_form("u", body, 0, len(body), 2 * len(body))
    # When a client sends all of it before it reads the response
    reader, writer = await asyncio.open_connection(*gateway.address)
    request = (
        f"POST /api/upload_file HTTP/1.1\r\nHost: x\r\nContent-Type: {form.content_type}\r\n"
        f"Content-Length: {len(form.content)}\r\n\r\n"
    ).encode() + form.content
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    # Then it reads the refusal, and not a broken connection
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"Retry-After: " in head) == (status == 503)
    # And the end of the connection, which the refusal announces
    assert b"\r\nconnection: close\r\n" in head.lower()
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    refusal = await reader.read()
    assert len(refusal) == length
    assert str(error).encode() in refusal
    writer.close()
    await writer.wait_closed()
    # And when storage works again, the repeat succeeds
    broken[0].error = None
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(request)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert await gateway.received("u") == [(0, len(body))]


async def test_an_unavailable_database_is_503_and_a_repeat_creates_the_job(
    start_gateway: Start,
) -> None:
    # Given a database that does not answer when the upload is complete
    down = True

    def in_front(jobs: Any) -> Any:
        create = jobs.create

        async def sometimes(**kwargs: Any) -> Job:
            if down:
                raise DatabaseUnavailable("the database does not answer")
            job: Job = await create(**kwargs)
            return job

        jobs.create = sometimes
        return jobs

    gateway = await start_gateway(jobs=in_front)
    form = dropzone_form("u", b"ab", 0, 2, 2)
    assert "database" in await refused(gateway, form, 503)
    # When it is available again and the client repeats its chunk
    down = False
    status, answer = await gateway.post(form)
    # Then the upload has its job
    assert status == 200
    assert gateway.bus.published == [(await gateway.job_of(answer)).id]


async def test_a_stamp_that_fails_does_not_fail_the_upload(start_gateway: Start) -> None:
    def in_front(jobs: Any) -> Any:
        async def fails(*_: object) -> None:
            raise DatabaseUnavailable("the database does not answer")

        jobs.mark_published = fails
        return jobs

    gateway = await start_gateway(jobs=in_front)
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    assert gateway.bus.published == [(await gateway.job_of(answer)).id]


async def test_an_unexpected_error_is_500_and_logged_once_with_the_id_of_the_response(
    start_gateway: Start, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await start_gateway(
        blobs=lambda blobs: BrokenBlobs(blobs, ZeroDivisionError("secret"), after=0)
    )
    message = await refused(gateway, form_with(), 500)
    assert "secret" not in message
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    incident = message.rpartition(" ")[2]
    assert len(incident) == 32
    assert incident in errors[0].getMessage()
    assert errors[0].exc_info is not None
