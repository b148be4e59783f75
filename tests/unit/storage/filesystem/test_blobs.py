from __future__ import annotations

import asyncio
import ctypes
import errno
import hashlib
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import result_key, upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.layout import blob_folder
from shared.errors import (
    BlobIncomplete,
    BlobNotFound,
    DigestMismatch,
    StorageFull,
    StorageUnavailable,
)
from storage.filesystem import journal
from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.folder import BlobFolder
from tests.blob_backends import joined, read, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEY = upload_key(UUID(int=1))
MIB = 1 << 20


def descriptors() -> set[str]:
    with os.scandir("/proc/self/fd") as entries:
        return {entry.name for entry in entries}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def ranges(*pairs: tuple[int, int]) -> RangeSet:
    return RangeSet.of(pairs)


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FilesystemBlobs]:
    async with FilesystemBlobs(tmp_path) as opened:
        yield opened


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

    assert files(tmp_path) == [tmp_path / ".lock"]


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


# --- order on disk


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
        assert calls.seen == [f"fsync {tmp_path.name}", "fsync made"]
        calls.seen.clear()
    async with FilesystemBlobs(tmp_path / "made" / "root"):
        assert calls.seen == []


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


# --- two requests with the same bytes


class Hanging:
    """A chunk that stalls after its first piece until the test sets `end`."""

    def __init__(self, piece: bytes) -> None:
        self.paused = asyncio.Event()
        self.end = asyncio.Event()
        self._piece = piece

    async def stream(self) -> AsyncIterator[bytes]:
        yield self._piece
        self.paused.set()
        await self.end.wait()


async def test_a_slow_write_does_not_change_recorded_bytes(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 3 * MIB)
    begun, resume = threading.Event(), threading.Event()
    pwritev = os.pwritev

    def slow_once(fd: int, buffers: list[bytes], offset: int) -> int:
        monkeypatch.setattr(os, "pwritev", pwritev)
        begun.set()
        resume.wait(30)
        return pwritev(fd, buffers, offset)

    monkeypatch.setattr(os, "pwritev", slow_once)
    hanging = Hanging(b"A" * 2 * MIB)
    slow = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    assert await asyncio.to_thread(begun.wait, 30)

    repeat = asyncio.create_task(blobs.write(KEY, 0, stream(b"B" * 2 * MIB)))
    # Long enough for a wrong order to show; the repeat must not end.
    done, _ = await asyncio.wait([repeat], timeout=0.3)
    assert not done
    resume.set()
    info = await repeat
    recorded = await read(blobs, KEY, 0, 2 * MIB)
    hanging.end.set()
    await slow

    assert info.received == ranges((0, 2 * MIB))
    assert set(recorded) == set(b"B")
    assert await read(blobs, KEY, 0, 2 * MIB) == recorded


async def test_a_chunk_overwritten_by_a_request_that_failed_is_not_recorded(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 4 * MIB)
    hanging = Hanging(b"A" * 2 * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlobFolder, "append_record", fail)
        with pytest.raises(StorageFull):
            await blobs.write(KEY, MIB, stream(b"B" * 2 * MIB))
    hanging.end.set()

    with pytest.raises(StorageUnavailable, match="send the chunk again"):
        await first
    assert (await blobs.info(KEY)).received == ranges()


# --- damage


async def test_an_incomplete_record_is_ignored_and_overwritten_by_the_next(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, 100)
        await blobs.write(KEY, 0, stream(b"a" * 10))
        await blobs.write(KEY, 20, stream(b"b" * 10))
    file = blob_folder(tmp_path, KEY) / journal.JOURNAL
    file.write_bytes(file.read_bytes()[:-7])

    async with FilesystemBlobs(tmp_path) as blobs:
        assert (await blobs.info(KEY)).received == ranges((0, 10))
        assert len(file.read_bytes()) == journal.position(1)
        await blobs.write(KEY, 40, stream(b"c" * 10))

    async with FilesystemBlobs(tmp_path) as blobs:
        assert (await blobs.info(KEY)).received == ranges((0, 10), (40, 50))


async def test_a_damaged_record_loses_only_its_own_range_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, 100)
        for offset in (0, 20, 40):
            await blobs.write(KEY, offset, stream(b"x" * 10))
    file = blob_folder(tmp_path, KEY) / journal.JOURNAL
    content = bytearray(file.read_bytes())
    content[journal.position(1) + 3] ^= 1
    file.write_bytes(content)

    async with FilesystemBlobs(tmp_path) as blobs:
        assert (await blobs.info(KEY)).received == ranges((0, 10), (40, 50))
        assert "1 of 3 records" in caplog.text
        info = await blobs.write(KEY, 0, stream(b"y" * 100))
        assert info.complete
        assert await read(blobs, KEY, 0, 10) == b"x" * 10


async def test_without_a_journal_no_bytes_are_received(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, 10)
        await blobs.write(KEY, 0, stream(b"01234"))
    (blob_folder(tmp_path, KEY) / journal.JOURNAL).unlink()

    async with FilesystemBlobs(tmp_path) as blobs:
        assert (await blobs.info(KEY)).received == ranges()
        await blobs.write(KEY, 0, stream(b"abcdefghij"))
        assert await read(blobs, KEY) == b"abcdefghij"


@pytest.mark.parametrize("complete", [False, True])
async def test_a_data_file_that_lost_bytes_is_refused(tmp_path: Path, complete: bool) -> None:
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, 10)
        await blobs.write(KEY, 0, stream(b"0123456789"[: 10 if complete else 5]))
    (data,) = blob_folder(tmp_path, KEY).glob("data" if complete else "partial.*")
    os.truncate(data, 4)

    async with FilesystemBlobs(tmp_path) as blobs:
        with pytest.raises(StorageUnavailable, match="4 bytes, not 10"):
            await blobs.info(KEY)


async def test_a_missing_data_file_is_noticed_while_the_blob_is_loaded(
    blobs: FilesystemBlobs, tmp_path: Path
) -> None:
    await blobs.create(KEY, 3)
    await blobs.write(KEY, 0, stream(b"abc"))
    (blob_folder(tmp_path, KEY) / "data").unlink()
    with pytest.raises(StorageUnavailable, match="No such file"):
        await read(blobs, KEY)
    # Then the blob is in the state that it would have after a restart
    with pytest.raises(BlobIncomplete):
        await read(blobs, KEY)
    assert (await blobs.write(KEY, 0, stream(b"abc"))).complete
    assert await read(blobs, KEY) == b"abc"


async def test_a_damaged_meta_file_is_reported(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, 10)
    (blob_folder(tmp_path, KEY) / "meta.json").write_text("{")

    async with FilesystemBlobs(tmp_path) as blobs:
        with pytest.raises(StorageUnavailable, match=r"meta\.json is damaged"):
            await blobs.info(KEY)


async def test_a_reader_gets_no_bytes_of_another_generation(tmp_path: Path) -> None:
    good = random.Random(1).randbytes(8 * MIB)
    bad = bytes(8 * MIB)
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, len(good), sha256=hashlib.sha256(good).hexdigest())
        await blobs.write(KEY, 0, stream(bad[: 7 * MIB]))
        async with blobs.open(KEY, 0, 7 * MIB) as pieces:
            first = await anext(pieces)
            with pytest.raises(DigestMismatch):
                await blobs.write(KEY, 7 * MIB, stream(bad[:MIB]))
            await blobs.write(KEY, 0, stream(good))
            rest = await joined(pieces)

        assert first + rest == bad[: 7 * MIB]
        assert await read(blobs, KEY) == good


# --- a full disk


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
    assert (await blobs.write(KEY, 0, stream(bytes(3 * MIB)))).complete


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
