"""A disk without space."""

from __future__ import annotations

import ctypes
import errno
import os
import random
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.blobs.layout import blob_folder
from shared.errors import (
    BlobNotFound,
    StorageFull,
    StorageUnavailable,
)
from storage.filesystem import journal
from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.folder import BlobFolder
from tests.blob_backends import read, stream
from tests.sockets import parts_of
from tests.unit.storage.filesystem.blobs import KEY, MIB, ranges

if TYPE_CHECKING:
    from collections.abc import Iterator


class FullDisk:
    """Makes system calls fail between `refuse` and `restore`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def refuse(self, name: str, error: int = errno.ENOSPC) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(error, os.strerror(error))

        self._monkeypatch.setattr(os, name, refuse)

    def restore(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


@pytest.mark.parametrize("call", ["pwritev", "fdatasync"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
async def test_a_chunk_that_does_not_fit_on_the_disk_is_not_recorded(
    tmp_path: Path, blobs: FilesystemBlobs, full_disk: FullDisk, call: str, error: int
) -> None:
    await blobs.create(KEY, 3 * MIB)
    await blobs.write(KEY, 0, stream(b"x"))
    full_disk.refuse(call, error)

    with pytest.raises(StorageFull):
        await blobs.write(KEY, 1, stream(bytes(MIB)))

    full_disk.restore()
    assert (await blobs.info(KEY)).received == ranges((0, 1))
    assert (await blobs.write(KEY, 0, stream(b"x", bytes(3 * MIB - 1)))).complete


async def test_parts_of_a_socket_that_do_not_fit_on_the_disk_are_not_recorded(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * (3 * MIB // 256)
    await blobs.create(KEY, len(content))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("storage.filesystem.chunk_writer.write_all", refuse)
        with pytest.raises(StorageFull):
            async with aclosing(parts_of(content)) as parts:
                await blobs.append(KEY, 0, parts)
    assert not (await blobs.info(KEY)).received
    async with aclosing(parts_of(content)) as parts:
        assert (await blobs.append(KEY, 0, parts)).complete
    assert await read(blobs, KEY) == content


async def test_a_record_that_does_not_fit_on_the_disk_is_removed(
    tmp_path: Path, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 100)
    await blobs.write(KEY, 0, stream(b"x"))

    def append_half(folder: BlobFolder, *_: int) -> None:
        with (blob_folder(tmp_path, KEY) / journal.JOURNAL).open("ab") as file:
            file.write(journal.record(0, 1, 10, 20))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlobFolder, "append_record", append_half)
        with pytest.raises(StorageFull):
            await blobs.write(KEY, 10, stream(b"y" * 10))

    content = (blob_folder(tmp_path, KEY) / journal.JOURNAL).read_bytes()
    assert len(content) == journal.position(1)
    info = await blobs.write(KEY, 30, stream(b"z"))
    assert info.received == ranges((0, 1), (30, 31))


async def test_after_a_failed_step_the_blob_is_loaded_from_disk_again(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 100)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        patch.setattr(BlobFolder, "complete", fail)
        with pytest.raises(StorageUnavailable, match="Input/output error"):
            await blobs.write(KEY, 0, stream(b"x" * 100))

    assert not (await blobs.info(KEY)).complete
    assert (await blobs.write(KEY, 0, stream(b"x" * 100))).complete


async def test_a_blob_that_does_not_fit_on_the_disk_is_not_created(
    tmp_path: Path, blobs: FilesystemBlobs, full_disk: FullDisk
) -> None:
    full_disk.refuse("fsync")

    with pytest.raises(StorageFull):
        await blobs.create(KEY, 10)

    full_disk.restore()
    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)
    assert list((tmp_path / ".new").iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB; skips the test where mounting is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = tmp_path / "tiny"
    path.mkdir()
    if libc.mount(b"tmpfs", bytes(path), b"tmpfs", 0, b"size=4m") != 0:
        pytest.skip(f"cannot mount a tmpfs: {os.strerror(ctypes.get_errno())}")
    try:
        yield path
    finally:
        libc.umount2(bytes(path), 2)


async def test_a_full_disk_loses_nothing_and_accepts_writes_after_a_delete(
    tiny_disk: Path,
) -> None:
    content = random.Random(4).randbytes(5 * MIB)
    async with FilesystemBlobs(tiny_disk) as blobs:
        await blobs.create(KEY, len(content))
        await blobs.write(KEY, 0, stream(content[: 3 * MIB]))

        with pytest.raises(StorageFull):
            await blobs.write(KEY, 3 * MIB, stream(content[3 * MIB :]))

        assert (await blobs.info(KEY)).received == ranges((0, 3 * MIB))
        assert await read(blobs, KEY, 0, 3 * MIB) == content[: 3 * MIB]
        await blobs.delete(KEY)
        await blobs.create(KEY, 3 * MIB)
        assert (await blobs.write(KEY, 0, stream(content[: 3 * MIB]))).complete


async def test_a_fault_of_the_file_system_is_told_without_its_paths(
    blobs: FilesystemBlobs, full_disk: FullDisk
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/var/lib/somewhere/.new/ping")

    full_disk._monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(StorageUnavailable) as told:
        await blobs.ping()
    assert str(told.value) == "the file system of blobs failed: Read-only file system"
