"""How executors read a file: from storage or a shared folder, from a position on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from processor.attempt.run import BlobSource
from processor.engines.places import SharedFile, StoredBlob
from shared.blobs.blob import BlobKey
from shared.blobs.client import HttpBlobs
from shared.blobs.protocol import START_FIELD
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server, stream
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.places import Place

KEY = BlobKey("uploads/ab")
DATA = bytes(range(256)) * 8192


def _read(place: Place, begin: int, count: int) -> bytes:
    with place.open(begin) as file:
        return file.read(count)


async def test_a_blob_is_read_from_storage_from_a_position_on(tmp_path: Path) -> None:
    async with (
        FilesystemBlobs(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        await blobs.create(KEY, len(DATA))
        await blobs.write(KEY, 0, stream(DATA))
        place = BlobSource(blobs, KEY, "a", len(DATA)).place
        assert place is not None

        assert await asyncio.to_thread(_read, place, 1000, 100_000) == DATA[1000:101_000]
        assert await asyncio.to_thread(_read, place, len(DATA) - 5, 100) == DATA[-5:]
        assert TOKEN not in repr(place)

        away = f"http://127.0.0.1:{free_port()}/blobs/a"
        either = StoredBlob((away, *place.urls), place.fields, START_FIELD)
        assert await asyncio.to_thread(_read, either, 1, 3) == DATA[1:4]

        wrong = StoredBlob(place.urls, {"Authorization": "Bearer wrong"}, START_FIELD)
        with pytest.raises(OSError, match="storage answered 401"):
            await asyncio.to_thread(_read, wrong, 0, 1)


async def test_blobs_of_this_machine_only_have_no_place(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path, fsync=False) as kept:
        assert BlobSource(kept, KEY, "a", 1).place is None


def test_a_shared_file_is_read_from_a_position_on(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)

    assert _read(SharedFile(str(path)), 1000, 10) == DATA[1000:1010]
