"""Object storage is away: chunks are stored, complete blobs wait, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import resource
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import UPLOADS, upload_key
from shared.errors import StorageUnavailable
from storage.s3 import copies
from storage.s3.parts import MOST_PARTS, PartSizes
from tests.blob_backends import object_storage, read, s3_blobs, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.ports import Blobs

MIB = 1 << 20
KEY, OTHER = upload_key(UUID(int=1)), upload_key(UUID(int=2))
CONTENT = random.Random(3).randbytes(11 * MIB + 5)


@contextmanager
def away() -> Iterator[None]:
    """Object storage, killed, and started again at the end."""
    object_storage().kill()
    try:
        yield
    finally:
        object_storage().start()


async def is_complete(blobs: Blobs) -> bool:
    async with blobs.walk(UPLOADS) as found:
        return [each.complete async for each in found] == [True]


async def wait_until_complete(blobs: Blobs) -> None:
    async with asyncio.timeout(60):
        while not await is_complete(blobs):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def test_chunks_are_stored_and_a_complete_upload_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "RETRY", 0.1)
    async with s3_blobs(tmp_path, blobs_part_size=5 * MIB) as blobs:
        await blobs.create(OTHER, 3)
        await blobs.write(OTHER, 0, stream(b"abc"))
        await blobs.create(KEY, len(CONTENT))
        await blobs.write(KEY, 0, stream(CONTENT[: 6 * MIB]))
        with away():
            assert (await blobs.write(KEY, 6 * MIB, stream(CONTENT[6 * MIB : -1]))).size
            with pytest.raises(StorageUnavailable):
                await blobs.write(KEY, len(CONTENT) - 1, stream(CONTENT[-1:]))
            # All its bytes but one are received, so that a client knows to wait
            info = await blobs.info(KEY)
            assert (info.prefix, info.complete) == (len(CONTENT) - 1, False)
            with pytest.raises(StorageUnavailable):
                await read(blobs, OTHER)
            with pytest.raises(StorageUnavailable):
                await blobs.ping()
            with pytest.raises(StorageUnavailable):
                await is_complete(blobs)
        # It becomes complete by itself. (The server has forgotten its parts: all are sent again.)
        await blobs.delete(OTHER)
        await wait_until_complete(blobs)
        assert await read(blobs, KEY) == CONTENT
        await blobs.ping()


async def test_what_was_complete_when_storage_stopped_is_stored_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "RETRY", 0.1)
    with away():
        async with s3_blobs(tmp_path) as blobs:
            with pytest.raises(StorageUnavailable):
                await blobs.create(KEY, 3)
    async with s3_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 3)
        with away(), pytest.raises(StorageUnavailable):
            await blobs.write(KEY, 0, stream(b"abc"))
    async with s3_blobs(tmp_path) as blobs:
        await wait_until_complete(blobs)
        assert await read(blobs, KEY) == b"abc"


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    async def zeros(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(MIB)

    async with s3_blobs(tmp_path, blobs_part_size=32 * MIB) as blobs:
        await blobs.create(OTHER, MIB)
        await blobs.append(OTHER, 0, zeros(1))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        await blobs.create(KEY, 128 * MIB)
        assert (await blobs.append(KEY, 0, zeros(128))).complete
        async with blobs.open(KEY) as content:
            assert sum([len(piece) async for piece in content]) == 128 * MIB
        await blobs.delete(KEY)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < 48 * MIB


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 160_000 * MIB, 5_000_000 * MIB])
def test_parts_cover_a_file_of_any_size_and_are_not_too_many(size: int) -> None:
    parts = list(PartSizes.of(size, 16 * MIB).parts(size, whole=True))
    assert len(parts) <= MOST_PARTS
    assert sum(part.size for part in parts) == size
    assert all(one.stop == other.start for one, other in pairwise(parts))


def test_parts_grow_if_the_size_is_not_known_and_the_last_one_waits() -> None:
    sizes = PartSizes.of(None, 16 * MIB)
    assert [part.size for part in sizes.parts(40 * MIB, whole=False)] == [16 * MIB] * 2
    assert sum(sizes.size_of(number) for number in range(1, MOST_PARTS + 1)) > 5_000_000 * MIB
