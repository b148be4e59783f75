"""Blobs in a folder: its files, descriptors and the order of writes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import result_key
from shared.blobs.layout import blob_folder
from shared.errors import (
    ChunkOutOfBounds,
    StorageUnavailable,
)
from storage.filesystem import chunk_writer, creation_log
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import stream
from tests.unit.storage.filesystem.blobs import KEY, MIB, ranges

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def descriptors() -> set[str]:
    with os.scandir("/proc/self/fd") as entries:
        return {entry.name for entry in entries}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_folder_is_used_by_one_process_at_a_time(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path):
        with pytest.raises(StorageUnavailable, match=rf"in use .*pid {os.getpid()}"):
            await FilesystemBlobs(tmp_path).__aenter__()

    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.ping()


async def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable, match="file"):
        await FilesystemBlobs(tmp_path / "file" / "root").__aenter__()


async def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    for leftover in (tmp_path / ".new" / "half", tmp_path / ".trash" / "half"):
        leftover.mkdir(parents=True)
        (leftover / "partial.0").write_bytes(b"x")

    async with FilesystemBlobs(tmp_path):
        assert list((tmp_path / ".new").iterdir()) == []
        assert list((tmp_path / ".trash").iterdir()) == []


async def test_nothing_is_left_of_a_deleted_blob(tmp_path: Path, blobs: FilesystemBlobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"01234"))

    await blobs.delete(KEY)

    # The log has had no blob.
    assert [file for file in files(tmp_path) if file.stat().st_size] == [tmp_path / ".lock"]
    assert {file.name for file in files(tmp_path)} == {".lock", *creation_log.NAMES}


async def test_bytes_are_written_once_and_in_place(tmp_path: Path, blobs: FilesystemBlobs) -> None:
    await blobs.create(KEY, 3 * MIB)
    await blobs.write(KEY, 0, stream(bytes(MIB)))
    (partial,) = blob_folder(tmp_path, KEY).glob("partial.*")
    inode = partial.stat().st_ino

    await blobs.write(KEY, MIB, stream(bytes(2 * MIB)))

    path = blobs.local_path(KEY)
    assert path is not None
    assert path.stat().st_ino == inode


async def test_idle_blobs_are_unloaded_and_loaded_again_from_disk(tmp_path: Path) -> None:
    keys = [result_key(UUID(int=1), attempt) for attempt in range(20)]
    async with FilesystemBlobs(tmp_path, fsync=False, idle_blobs=2) as blobs:
        before = len(descriptors())
        for attempt, key in enumerate(keys):
            await blobs.create(key, 100)
            await blobs.write(key, attempt, stream(b"x"))

        assert len(descriptors()) <= before + 2
        for attempt, key in enumerate(keys):
            assert (await blobs.info(key)).received == ranges((attempt, attempt + 1))


async def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = descriptors()
    async with FilesystemBlobs(tmp_path, fsync=False) as blobs:
        await blobs.create(KEY, 3 * MIB)
        chunk = asyncio.create_task(blobs.write(KEY, 0, never_ending(bytes(MIB))))
        await asyncio.sleep(0.01)
        await blobs.write(KEY, 0, stream(bytes(3 * MIB)))
        chunk.cancel()
        await asyncio.gather(chunk, return_exceptions=True)
        async with blobs.open(KEY) as pieces:
            await anext(pieces)
        await blobs.delete(KEY)

    assert descriptors() == before


async def never_ending(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
    await asyncio.Event().wait()


class Calls:
    """Records system calls that change files, in order, as `call file`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        for name in ("pwritev", "fdatasync", "fsync"):
            self._spy_on_descriptor(monkeypatch, name)
        rename = os.rename

        def spy(source: str, target: str, **folders: int) -> None:
            self.seen.append(f"rename {source} {target}")
            rename(source, target, **folders)

        monkeypatch.setattr(os, "rename", spy)

    def _spy_on_descriptor(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        call = getattr(os, name)

        def spy(fd: int, *arguments: object) -> object:
            self.seen.append(f"{name} {Path(f'/proc/self/fd/{fd}').readlink().name}")
            return call(fd, *arguments)

        monkeypatch.setattr(os, name, spy)


async def test_a_range_is_recorded_only_after_its_bytes_are_durable(
    tmp_path: Path, blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 10)
    calls = Calls(monkeypatch)

    await blobs.write(KEY, 0, stream(b"01234"))
    recorded, calls.seen = calls.seen, []
    await blobs.write(KEY, 5, stream(b"56789"))

    data, folder = "partial.0", blob_folder(tmp_path, KEY).name
    written = [f"pwritev {data}", f"fdatasync {data}"]
    assert recorded == [*written, "pwritev journal", "fdatasync journal"]
    assert calls.seen == [*written, f"rename {data} data", f"fsync {folder}"]


async def test_a_new_root_folder_is_durable_before_anything_is_stored_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch)
    async with FilesystemBlobs(tmp_path / "made" / "root"):
        # At last, the folder of results and the files of the creation log are in the root.
        folders = [f"fsync {tmp_path.name}", "fsync made", "fsync root"]
        assert calls.seen == [*folders, "fsync root", "fsync root"]
        calls.seen.clear()
    async with FilesystemBlobs(tmp_path / "made" / "root"):
        # A crash may have come between the creation of the log's files and this.
        assert calls.seen == ["fsync root"]


async def test_without_fsync_nothing_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch)
    async with FilesystemBlobs(tmp_path, fsync=False) as blobs:
        await blobs.create(KEY, 10)
        await blobs.write(KEY, 0, stream(b"01234"))
        await blobs.write(KEY, 5, stream(b"56789"))
        await blobs.delete(KEY)

    assert calls.seen
    assert not [call for call in calls.seen if call.startswith(("fsync", "fdatasync"))]


async def test_a_blob_has_a_limited_number_of_gaps(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With 10,000 of them, each chunk of one byte kept storage busy for 6 ms, and more with more.
    monkeypatch.setattr(chunk_writer, "MOST_RANGES", 3)
    await blobs.create(KEY, 10)
    for offset in (2, 4, 6):
        await blobs.write(KEY, offset, stream(b"x"))

    with pytest.raises(ChunkOutOfBounds, match="3 gaps or more between them; fill gaps first"):
        await blobs.write(KEY, 8, stream(b"x"))

    # Bytes at the begin, at the end of a range, and those that were received before.
    for offset in (0, 3, 5, 4):
        info = await blobs.write(KEY, offset, stream(b"x"))
    assert info.received == ranges((0, 1), (2, 7))
    info = await blobs.write(KEY, 8, stream(b"x"))
    assert info.received == ranges((0, 1), (2, 7), (8, 9))
