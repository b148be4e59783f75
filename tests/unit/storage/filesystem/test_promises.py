"""Space is kept for what uploads have declared, and what cannot fit is refused when declared."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import Declaration, result_key, upload_key
from shared.errors import BlobNotFound, StorageFull
from shared.telemetry.metrics import Metrics
from storage.backends import open_blobs
from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.promises import Promises
from storage.settings import BackendSettings
from tests.blob_backends import stream
from tests.metrics import Exposition
from tests.tiny_disk import TinyDisk, tiny_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
KEYS = [upload_key(UUID(int=number)) for number in range(1, 9)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[TinyDisk]:
    """A disk of 40 MiB, of which 2 MiB are the reserve."""
    with tiny_disk(tmp_path / "tiny", 40 * MIB) as disk:
        yield disk


def blobs_on(disk: TinyDisk) -> FilesystemBlobs:
    return FilesystemBlobs(disk.path / "blobs", reserve=None)


async def test_what_cannot_fit_is_refused_when_it_is_declared(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        with pytest.raises(StorageFull, match=r"a file of 178,257,920 bytes: 3\d,\d{3},\d{3} byte"):
            await blobs.create(KEYS[0], 170 * MIB)
        # And nothing is left of it
        await blobs.create(KEYS[0], 36 * MIB)


async def test_what_others_have_declared_is_not_free(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        await blobs.create(KEYS[0], 20 * MIB)
        await blobs.write(KEYS[0], 0, stream(bytes(8 * MIB)))
        with pytest.raises(StorageFull, match="beside what other uploads have declared"):
            await blobs.create(KEYS[1], 20 * MIB)
        await blobs.create(KEYS[1], 14 * MIB)
        # An upload of unknown size does not take what they need
        await blobs.create(KEYS[2], None)

        async def send_without_end() -> None:
            for number in range(30):
                await blobs.append(KEYS[2], number * MIB, stream(bytes(MIB)))

        with pytest.raises(StorageFull):
            await send_without_end()
        # So both arrive
        assert (await blobs.write(KEYS[0], 8 * MIB, stream(bytes(12 * MIB)))).complete
        assert (await blobs.write(KEYS[1], 0, stream(bytes(14 * MIB)))).complete


async def test_what_is_kept_free_can_be_seen_in_the_metrics(disk: TinyDisk) -> None:
    metrics = Metrics("storage")
    async with open_blobs(BackendSettings(), disk.path / "blobs", metrics) as blobs:
        await blobs.create(KEYS[0], 20 * MIB)
        await blobs.write(KEYS[0], 0, stream(bytes(8 * MIB)))
        page, _ = await metrics.page("")
    shown = Exposition.of(page.decode())
    assert shown.value("csvmill_storage_promised_bytes") == 12 * MIB


async def test_space_that_is_no_longer_needed_is_free_again(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        await blobs.create(KEYS[0], 30 * MIB)
        await blobs.delete(KEYS[0])
        await blobs.create(KEYS[1], 30 * MIB)
        assert await blobs.expire(KEYS[1], idle_for=0.0)
        await blobs.create(KEYS[2], 10 * MIB)
        await blobs.write(KEYS[2], 0, stream(bytes(10 * MIB)))
        # A complete upload takes the space that it has, once
        await blobs.create(KEYS[3], 25 * MIB)


async def test_a_size_that_is_declared_later_has_to_fit_too(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        await blobs.create(KEYS[0], None)
        await blobs.append(KEYS[0], 0, stream(bytes(20 * MIB)))
        with pytest.raises(StorageFull, match="no disk space for a file of"):
            await blobs.declare_size(KEYS[0], 60 * MIB)
        # What has arrived counts only once
        assert (await blobs.declare_size(KEYS[0], 30 * MIB)).size == 30 * MIB
        assert (await blobs.declare_size(KEYS[0], 30 * MIB)).size == 30 * MIB
        with pytest.raises(StorageFull):
            await blobs.create(KEYS[1], 20 * MIB)


async def test_a_chunk_that_declares_too_much_leaves_no_upload(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        with pytest.raises(StorageFull):
            await blobs.write(KEYS[0], 0, stream(b"x"), declaration=Declaration(90 * MIB, None))
        with pytest.raises(BlobNotFound):
            await blobs.info(KEYS[0])


async def test_a_repeated_declaration_takes_no_more_space(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        for _ in range(3):
            await blobs.create(KEYS[0], 30 * MIB)
        await blobs.write(KEYS[0], 0, stream(bytes(30 * MIB)))
        # Nor does that of a complete upload
        assert (await blobs.create(KEYS[0], 30 * MIB)).complete


async def test_parts_are_concatenated_only_if_the_whole_fits(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        for key in KEYS[:2]:
            await blobs.create(key, 12 * MIB)
            await blobs.write(key, 0, stream(bytes(12 * MIB)))
        with pytest.raises(StorageFull, match="no disk space for a file of"):
            await blobs.assemble(KEYS[2], KEYS[:2])
        assert (await blobs.assemble(KEYS[2], KEYS[:1])).complete


async def test_results_need_no_promise(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        await blobs.create(KEYS[0], 36 * MIB)
        result = result_key(UUID(int=1), 1)
        await blobs.create(result, 2 * MIB)
        assert (await blobs.write(result, 0, stream(bytes(2 * MIB)))).complete


async def test_the_uploads_of_an_earlier_process_keep_their_space(disk: TinyDisk) -> None:
    async with blobs_on(disk) as blobs:
        await blobs.create(KEYS[0], 20 * MIB)
        await blobs.write(KEYS[0], 0, stream(bytes(5 * MIB)))
        await blobs.create(KEYS[1], 4 * MIB)
        await blobs.write(KEYS[1], 0, stream(bytes(4 * MIB)))
        await blobs.create(KEYS[2], None)
    found = Promises(disk.path / "blobs")
    found.find()
    assert (found.at_most, found.measure()) == (20 * MIB, 15 * MIB)


async def test_of_many_uploads_those_that_are_complete_are_forgotten(
    disk: TinyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.filesystem.promises.MOST_KEYS", 3)
    async with blobs_on(disk) as blobs:
        for number, key in enumerate(KEYS):
            await blobs.create(key, 2 * MIB)
            if number:
                await blobs.write(key, 0, stream(bytes(2 * MIB)))
        promises = blobs._reserve.promises
        assert KEYS[0] in promises
        assert sum(key in promises for key in KEYS) <= 3
        assert promises.measure() == 2 * MIB
