"""Blobs are read, by intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.errors import (
    BlobIncomplete,
    BlobNotFound,
    ChunkOutOfBounds,
)
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import joined, read, stream
from tests.contract.blobs.chunks import KEY, MIB

if TYPE_CHECKING:
    from shared.ports import Blobs


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 5), (3, None), (4, 8), (9, 10), (5, 5), (10, None), (10, 10)]
)
async def test_exactly_the_interval_is_read(blobs: Blobs, start: int, stop: int | None) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789"))

    assert await read(blobs, KEY, start, stop) == b"0123456789"[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(11, None), (0, 11), (6, 5), (-1, 5), (12, 13)])
async def test_a_range_outside_of_the_blob_is_refused(
    blobs: Blobs, start: int, stop: int | None
) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789"))

    with pytest.raises(ChunkOutOfBounds):
        await read(blobs, KEY, start, stop)


async def test_received_bytes_of_an_incomplete_blob_can_be_read(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 2, stream(b"234567"))

    assert await read(blobs, KEY, 3, 8) == b"34567"
    for start, stop in [(0, None), (1, 5), (7, 9)]:
        with pytest.raises(BlobIncomplete):
            await read(blobs, KEY, start, stop)


async def test_reading_an_unknown_blob_is_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await read(blobs, KEY)


async def test_what_a_reader_raises_is_raised_unchanged(blobs: Blobs) -> None:
    await blobs.create(KEY, 3 * MIB)
    await blobs.write(KEY, 0, stream(bytes(3 * MIB)))

    async def read_and_raise() -> None:
        async with blobs.open(KEY) as pieces:
            await anext(pieces)
            raise OSError("the reader's own")

    with pytest.raises(OSError, match="the reader's own"):
        await read_and_raise()

    assert len(await read(blobs, KEY)) == 3 * MIB


async def test_content_names_the_file_that_its_own_process_has_open(blobs: Blobs) -> None:
    large = b"abc" * MIB
    await blobs.create(KEY, len(large))
    await blobs.write(KEY, 0, stream(large))

    async with blobs.open(KEY) as content:
        assert (content.file is not None) == isinstance(blobs, FilesystemBlobs)
        assert await joined(content) == large


async def test_the_content_of_a_short_interval_is_in_memory(blobs: Blobs) -> None:
    await blobs.create(KEY, 3)
    await blobs.write(KEY, 0, stream(b"abc"))

    async with blobs.open(KEY) as content:
        await blobs.delete(KEY)
        assert content.file is None
        assert await joined(content) == b"abc"
