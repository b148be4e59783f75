"""A crash at any step of creating, completing, assembling or removing leaves a valid state."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import Declaration, upload_key
from shared.errors import BlobNotFound, DigestMismatch
from storage.filesystem import log_segment
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import read, stream

if TYPE_CHECKING:
    from pathlib import Path

KEY = upload_key(UUID(int=1))
PARTS = [upload_key(UUID(int=2)), upload_key(UUID(int=3))]
SEGMENT = 256 << 10
"""Bytes of a segment of the log, which every snapshot copies."""
STEPS = (
    "rename",
    "replace",
    "ftruncate",
    "fsync",
    "fdatasync",
    "unlink",
    "write",
    "pwritev",
    "utime",
    "copy_file_range",
    "mkdir",
)


class Snapshots:
    """Copies of a folder before each step that changes it, and after the last."""

    def __init__(self, folder: Path, into: Path) -> None:
        self._folder = folder
        self._into = into
        self._watching = False
        self._lock = threading.RLock()
        self.taken: list[Path] = []

    def begin(self) -> None:
        self._watching = True

    def end(self) -> None:
        with self._lock:
            self.before_a_step()
            self._watching = False

    def before_a_step(self) -> None:
        with self._lock:
            if self._watching:
                self._watching = False  # copying takes steps too
                copy = self._into / str(len(self.taken))
                shutil.copytree(self._folder, copy)
                self.taken.append(copy)
                self._watching = True


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    watched = Snapshots(tmp_path / "blobs", tmp_path / "snapshots")

    def before(step: Any) -> Any:
        def called(*args: Any, **more: Any) -> Any:
            watched.before_a_step()
            return step(*args, **more)

        return called

    for name in STEPS:
        monkeypatch.setattr(os, name, before(getattr(os, name)))
    return watched


@pytest.mark.parametrize("all_received", [True, False])
async def test_after_a_crash_the_size_is_declared_or_not(
    snapshots: Snapshots, tmp_path: Path, all_received: bool
) -> None:
    size = 4 if all_received else 6
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await blobs.create(KEY, None)
        await blobs.write(KEY, 0, stream(b"0123"))
        snapshots.begin()
        await blobs.declare_size(KEY, size)
        snapshots.end()
    found = []
    for folder in snapshots.taken:
        async with FilesystemBlobs(folder) as blobs:
            info = await blobs.info(KEY)
            assert (info.prefix, len(info.received)) == (4, 4)
            assert info.complete == (all_received and info.size is not None)
            assert (blobs.local_path(KEY) is not None) == info.complete
            found.append(info.size)
            # The same calls finish the work
            await blobs.declare_size(KEY, size)
            assert (await blobs.write(KEY, 0, stream(b"0123EF"[:size]))).complete
            assert await read(blobs, KEY) == b"0123EF"[:size]
    assert len(found) > 5
    assert set(found) == {None, size}
    assert found == sorted(found, key=lambda size: size is not None)


@pytest.mark.parametrize("right", [True, False])
async def test_after_a_crash_a_complete_blob_has_its_digest_or_lacks_a_byte(
    snapshots: Snapshots, tmp_path: Path, right: bool
) -> None:
    sha256 = hashlib.sha256(b"0123").hexdigest()
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await blobs.create(KEY, 4, sha256=sha256)
        await blobs.write(KEY, 0, stream(b"0"))
        snapshots.begin()
        with nullcontext() if right else pytest.raises(DigestMismatch):
            await blobs.write(KEY, 1, stream(b"123" if right else b"xyz"))
        snapshots.end()
    found = []
    for folder in snapshots.taken:
        async with FilesystemBlobs(folder) as blobs:
            info = await blobs.info(KEY)
            found.append(info.prefix)
            assert info.complete == (info.prefix == 4)
            assert (blobs.local_path(KEY) is not None) == info.complete
            # Received bytes stay; only the missing ones are sent again
            if right:
                assert (
                    await blobs.write(KEY, info.prefix, stream(b"0123"[info.prefix :]))
                ).complete
                assert await read(blobs, KEY) == b"0123"
    assert len(found) > 5
    assert list(dict.fromkeys(found)) == ([1, 3, 4] if right else [1, 3, 0])


@pytest.mark.parametrize("logged", [True, False])
async def test_after_a_crash_a_small_blob_is_whole_or_does_not_exist(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
) -> None:
    monkeypatch.setattr(log_segment, "SEGMENT", SEGMENT if logged else 0)
    declaration = Declaration(4, hashlib.sha256(b"0123").hexdigest(), {"filename": "a.csv"})
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        snapshots.begin()
        before = await blobs.write(KEY, 0, stream(b"01", b"23"), declaration=declaration)
        snapshots.end()
    found = []
    for folder in snapshots.taken:
        async with FilesystemBlobs(folder) as blobs:
            try:
                info = await blobs.info(KEY)
            except BlobNotFound:
                found.append(False)
            else:
                assert (info.complete, info.metadata) == (True, before.metadata)
                found.append(True)
            assert list((folder / ".new").iterdir()) == []
            # The same call finishes the work
            again = await blobs.write(KEY, 0, stream(b"0123"), declaration=declaration)
            assert again.complete
            assert await read(blobs, KEY) == b"0123"
    assert len(found) > 5
    assert found == sorted(found)
    assert set(found) == {True, False}


async def test_after_a_crash_a_small_blob_is_removed_or_whole(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_segment, "SEGMENT", SEGMENT)
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await blobs.write(KEY, 0, stream(b"0123"), declaration=Declaration(4))
        snapshots.begin()
        await blobs.delete(KEY)
        snapshots.end()
    found = []
    for folder in snapshots.taken:
        async with FilesystemBlobs(folder) as blobs:
            try:
                found.append((await blobs.info(KEY)).complete)
                assert await read(blobs, KEY) == b"0123"
            except BlobNotFound:
                found.append(False)
    assert found == sorted(found, reverse=True)
    assert set(found) == {True, False}


async def test_after_a_crash_the_blobs_are_assembled_or_not(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        for key, content in zip(PARTS, (b"one", b"two"), strict=True):
            await blobs.create(key, 3)
            await blobs.write(key, 0, stream(content))
        snapshots.begin()
        await blobs.assemble(KEY, PARTS)
        snapshots.end()
    found = []
    for folder in snapshots.taken:
        async with FilesystemBlobs(folder) as blobs:
            try:
                found.append((await blobs.info(KEY)).complete)
            except BlobNotFound:
                found.append(False)
            assert list((folder / ".new").iterdir()) == []
            await blobs.assemble(KEY, PARTS)
            assert await read(blobs, KEY) == b"onetwo"
    assert len(found) > 5
    assert found == sorted(found)
    assert set(found) == {True, False}


async def test_parts_are_assembled_where_copy_file_range_is_not_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    content = os.urandom((2 << 20) + 7)
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(PARTS[0], len(content))
        await blobs.write(PARTS[0], 0, stream(content))
        await blobs.assemble(KEY, [PARTS[0], PARTS[0]])
        assert await read(blobs, KEY) == content * 2
