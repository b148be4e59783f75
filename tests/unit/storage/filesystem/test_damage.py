"""Damaged files of a blob."""

from __future__ import annotations

import hashlib
import os
import random
from typing import TYPE_CHECKING

import pytest

from shared.blobs.layout import blob_folder
from shared.errors import (
    BlobIncomplete,
    DigestMismatch,
    StorageUnavailable,
)
from storage.filesystem import journal
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import joined, read, stream
from tests.unit.storage.filesystem.blobs import KEY, MIB, ranges

if TYPE_CHECKING:
    from pathlib import Path


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
    journaled = bytearray(file.read_bytes())
    journaled[journal.position(1) + 3] ^= 1
    file.write_bytes(journaled)

    async with FilesystemBlobs(tmp_path) as blobs:
        assert (await blobs.info(KEY)).received == ranges((0, 10), (40, 50))
        assert "1 of 3 records" in caplog.text
        content = b"x" * 10 + b"y" * 30 + b"x" * 10 + b"y" * 50
        assert (await blobs.write(KEY, 0, stream(content))).complete
        assert await read(blobs, KEY) == content


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
