"""A part of the disk is kept free of uploads: results are stored, and everything is deleted."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest

from shared.blobs.blob import result_key, upload_key
from shared.errors import StorageFull
from storage.filesystem import reserve
from storage.filesystem.appender import PORTION
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import read, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

UPLOAD = upload_key(UUID(int=1))
OTHER = upload_key(UUID(int=2))
RESULT = result_key(UUID(int=3), 1)
GIB = 1 << 30


class Usage(NamedTuple):
    total: int
    free: int


class Disk:
    """What the tests say of the file system."""

    def __init__(self) -> None:
        self.usage = Usage(100 * GIB, 50 * GIB)

    def disk_usage(self, _folder: Path) -> Usage:
        return self.usage


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(shutil, "disk_usage", disk.disk_usage)
    monkeypatch.setattr(reserve, "LOOK_AGAIN", 0.0)
    return disk


@pytest.mark.parametrize(
    ("size", "total", "free", "full"),
    [
        (None, 100 * GIB, GIB, False),
        (None, 100 * GIB, GIB - 1, True),
        (None, 2000, 100, False),
        (None, 2000, 99, True),
        (500, 2000, 500, False),
        (500, 2000, 499, True),
        (0, 2000, 0, False),
    ],
)
async def test_uploads_are_refused_below_the_reserve(
    tmp_path: Path, disk: Disk, size: int | None, total: int, free: int, full: bool
) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False, reserve=size) as blobs:
        disk.usage = Usage(total, free)
        if full:
            with pytest.raises(StorageFull, match="space left for results only"):
                await blobs.create(UPLOAD, 3)
        else:
            await blobs.create(UPLOAD, 3)


async def test_below_the_reserve_everything_but_uploads_works(tmp_path: Path, disk: Disk) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False, reserve=None) as blobs:
        await blobs.create(UPLOAD, 3)
        await blobs.write(UPLOAD, 0, stream(b"ab"))
        await blobs.create(OTHER, None)
        disk.usage = Usage(100 * GIB, 0)
        with pytest.raises(StorageFull):
            await blobs.write(UPLOAD, 2, stream(b"c"))
        with pytest.raises(StorageFull):
            await blobs.append(OTHER, 0, stream(b"c"))
        with pytest.raises(StorageFull):
            await blobs.assemble(upload_key(UUID(int=9)), [UPLOAD])
        await blobs.create(RESULT, 3)
        await blobs.write(RESULT, 0, stream(b"abc"))
        assert await read(blobs, RESULT) == b"abc"
        await blobs.delete(OTHER)
        disk.usage = Usage(100 * GIB, 50 * GIB)
        assert (await blobs.write(UPLOAD, 2, stream(b"c"))).complete


async def test_storage_tells_that_only_its_reserve_is_left(tmp_path: Path, disk: Disk) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False, reserve=None) as blobs:
        await blobs.check_room()
        disk.usage = Usage(100 * GIB, GIB - 1)
        with pytest.raises(StorageFull, match="space left for results only"):
            await blobs.check_room()
        await blobs.ping()
        disk.usage = Usage(100 * GIB, GIB)
        await blobs.check_room()


async def test_without_a_reserve_there_is_always_room(tmp_path: Path, disk: Disk) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False, reserve=0) as blobs:
        disk.usage = Usage(100 * GIB, 0)
        await blobs.check_room()


async def test_a_long_append_ends_at_the_reserve_and_keeps_what_arrived(
    tmp_path: Path, disk: Disk
) -> None:
    async def data() -> AsyncIterator[bytes]:
        for number in range(40):
            if number == 20:
                disk.usage = Usage(100 * GIB, 0)
            yield bytes(1 << 20)

    async with FilesystemBlobs(tmp_path, fsync=False, reserve=None) as blobs:
        await blobs.create(UPLOAD, 40 << 20)
        with pytest.raises(StorageFull):
            await blobs.append(UPLOAD, 0, data())
        received = (await blobs.info(UPLOAD)).received
        assert [(each.start, each.stop) for each in received] == [(0, 3 * PORTION)]
