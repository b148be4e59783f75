"""A source that grows is read as its bytes arrive."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from processor.head_start import source as module
from processor.head_start.source import GrowingSource, UploadStalled
from shared.blobs.blob import upload_key
from shared.errors import BlobNotFound, CsvmillError, DigestMismatch, StorageUnavailable
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import content_of, joined, stream
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.content import Growth

KEY = upload_key(UUID(int=1))


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FilesystemBlobs]:
    async with FilesystemBlobs(tmp_path, fsync=False) as opened:
        yield opened


async def growing(
    blobs: FilesystemBlobs, size: int = 9, *, stall_timeout: float = 60.0, **declared: Any
) -> GrowingSource:
    """Return a source of which no byte has arrived."""
    blob = await blobs.create(KEY, size, **declared)
    return GrowingSource(blobs, blob, name="plays.csv", stall_timeout=stall_timeout)


async def read(source: GrowingSource) -> bytes:
    async with source.open() as pieces:
        return await joined(pieces)


async def test_it_is_read_to_its_end_and_is_complete_then(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs)
    reading = asyncio.create_task(read(source))
    await blobs.write(KEY, 3, stream(b"def"))
    await blobs.write(KEY, 0, stream(b"abc"))
    assert not source.complete.is_set()
    await blobs.write(KEY, 6, stream(b"ghi"))

    assert await reading == b"abcdefghi"
    assert source.complete.is_set()
    assert source.failure is None


async def test_it_ends_when_a_size_that_was_unknown_is_declared(blobs: FilesystemBlobs) -> None:
    blob = await blobs.create(KEY, None)
    source = GrowingSource(blobs, blob, name="plays.csv", stall_timeout=60)
    assert source.size == 0
    reading = asyncio.create_task(read(source))
    await blobs.write(KEY, 0, stream(b"abcdef"))

    async def taken() -> bool:
        return source.size == 6

    await until(taken)
    await blobs.write(KEY, 6, stream(b"ghi"))
    assert not source.complete.is_set()
    await blobs.declare_size(KEY, 9)

    assert await reading == b"abcdefghi"
    assert (source.size, source.complete.is_set()) == (9, True)


async def test_it_knows_how_much_was_read_when_the_upload_ended(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs)
    await blobs.write(KEY, 0, stream(b"abcdef"))
    async with source.open() as pieces:
        taken = await content_of(await anext(pieces))
        reading = asyncio.ensure_future(anext(pieces))  # the first piece was taken
        source.pause()
        await blobs.write(KEY, 6, stream(b"ghi"))
        source.resume()
        taken += await content_of(await reading)
        taken += await joined(pieces)

    assert taken == b"abcdefghi"
    assert source.read_at_completion == 6


async def test_it_reads_no_further_while_it_is_paused(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs)
    source.pause()
    await blobs.write(KEY, 0, stream(b"abcdefghi"))
    reading = asyncio.create_task(read(source))
    await asyncio.wait({reading}, timeout=0.1)
    assert not reading.done()

    source.resume()
    assert await reading == b"abcdefghi"


async def test_it_is_not_paused_once_a_job_waits_for_it(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs)
    await blobs.write(KEY, 0, stream(b"abcdefghi"))
    source.pause()
    source.hurry()
    source.pause()

    assert await read(source) == b"abcdefghi"


async def test_it_ends_with_an_error_when_the_upload_is_removed(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs)
    reading = asyncio.create_task(read(source))
    await blobs.write(KEY, 0, stream(b"abc"))
    await blobs.delete(KEY)

    with pytest.raises(BlobNotFound):
        await reading
    assert isinstance(source.failure, BlobNotFound)


async def test_it_ends_with_an_error_when_the_bytes_are_discarded(blobs: FilesystemBlobs) -> None:
    source = await growing(blobs, sha256="0" * 64)
    reading = asyncio.create_task(read(source))
    await blobs.write(KEY, 0, stream(b"abc"))
    with pytest.raises(DigestMismatch):
        await blobs.write(KEY, 3, stream(b"defghi"))

    with pytest.raises(CsvmillError):
        await reading
    assert not source.complete.is_set()
    assert isinstance(source.failure, DigestMismatch)


async def test_it_gives_up_when_no_byte_arrives(blobs: FilesystemBlobs) -> None:
    blob = await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))
    source = GrowingSource(Brief(blobs), blob, name="plays.csv", stall_timeout=0.2)  # type: ignore[arg-type]

    with pytest.raises(UploadStalled):
        await read(source)
    assert isinstance(source.failure, UploadStalled)


async def test_it_goes_on_where_it_was_after_an_outage_of_storage(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    blob = await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abcdefghi"))
    breaking = Brief(blobs, failures=3)
    source = GrowingSource(breaking, blob, name="plays.csv", stall_timeout=60)  # type: ignore[arg-type]

    assert await read(source) == b"abcdefghi"
    assert breaking.starts == [0, 9, 9, 9]
    assert source.complete.is_set()


async def test_it_gives_up_after_a_long_outage(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    monkeypatch.setattr(module, "OUTAGE", 0.1)
    blob = await blobs.create(KEY, 9)
    source = GrowingSource(
        Brief(blobs, failures=10**9),  # type: ignore[arg-type]
        blob,
        name="plays.csv",
        stall_timeout=60,
    )

    with pytest.raises(StorageUnavailable):
        await read(source)
    assert isinstance(source.failure, StorageUnavailable)


class Brief:
    """Blobs that are followed for a moment at a time; the first `failures` times break off."""

    def __init__(self, blobs: FilesystemBlobs, failures: int = 0) -> None:
        self.starts: list[int] = []
        self.peek = blobs.peek
        self._blobs = blobs
        self._failures = failures

    @asynccontextmanager
    async def follow(self, key: Any, start: int, *, version: str) -> AsyncIterator[Growth]:
        self.starts.append(start)
        async with self._blobs.follow(key, start, version=version, wait=0.01) as growth:
            yield growth
        if self._failures:
            self._failures -= 1
            raise StorageUnavailable("storage was restarted")
