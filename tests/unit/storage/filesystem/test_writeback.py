"""Bytes are on their way to the disk before they are synced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.filesystem import folder, writeback
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import read, stream
from tests.unit.storage.filesystem.blobs import KEY, MIB

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("fsync", [True, False])
async def test_each_batch_of_a_chunk_begins_to_be_written_if_it_will_be_synced(
    fsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []

    def begin(fd: int, start: int, size: int) -> None:
        writeback.begin_writeback(fd, start, size)
        begun.append((start, size))

    monkeypatch.setattr(folder, "begin_writeback", begin)
    content = [bytes([number]) * MIB for number in range(3)]
    async with FilesystemBlobs(tmp_path, fsync=fsync) as blobs:
        await blobs.create(KEY, 4 * MIB)
        await blobs.append(KEY, 0, stream(*content))
        await blobs.write(KEY, 3 * MIB, stream(b"x" * MIB))
        assert await read(blobs, KEY) == b"".join(content) + b"x" * MIB
    assert begun == ([(at * MIB, MIB) for at in range(4)] if fsync else [])


async def test_a_system_without_it_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writeback, "_sync_file_range", lambda: None)
    async with FilesystemBlobs(tmp_path) as blobs:
        await blobs.create(KEY, MIB)
        await blobs.write(KEY, 0, stream(bytes(MIB)))
        assert await read(blobs, KEY) == bytes(MIB)
