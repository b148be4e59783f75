"""Small blobs that are created whole survive a power cut with one sync, through the log."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import Declaration, upload_key
from shared.blobs.content import WHOLE, WholeBytes
from shared.blobs.layout import blob_folder
from shared.errors import BlobNotFound, StorageUnavailable
from storage.filesystem import creation_log, log_segment
from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.meta import new_meta
from tests.blob_backends import read, stream

if TYPE_CHECKING:
    from shared.blobs.blob import BlobInfo, BlobKey

KEY, OTHER = upload_key(UUID(int=1)), upload_key(UUID(int=2))
CONTENT = b"artist,plays\na,1\n" * 100


async def create(blobs: FilesystemBlobs, key: BlobKey = KEY, content: bytes = CONTENT) -> BlobInfo:
    declaration = Declaration(len(content), metadata={"filename": "plays.csv"})
    return await blobs.write(key, 0, WholeBytes(content), declaration=declaration)


def after_a_power_cut(root: Path, into: Path) -> Path:
    """Copy the folder without anything that was not synced: with the log, and no blobs."""
    into.mkdir()
    for name in creation_log.NAMES:
        if (root / name).exists():
            shutil.copy(root / name, into / name)
    return into


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The syncs, by the name of the file."""
    seen: list[str] = []

    def counted(sync: Any) -> Any:
        def called(fd: int) -> None:
            seen.append(Path(f"/proc/self/fd/{fd}").readlink().name)
            sync(fd)

        return called

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    return seen


async def test_a_small_blob_takes_one_sync(tmp_path: Path, syncs: list[str]) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        syncs.clear()

        info = await create(blobs)

        assert len(syncs) == 1
        assert syncs[0] in creation_log.NAMES
        assert info.complete
        assert await blobs.info(KEY) == info
        assert await read(blobs, KEY) == CONTENT
        assert len(syncs) == 1


async def test_blobs_that_arrive_at_once_share_syncs(tmp_path: Path, syncs: list[str]) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        syncs.clear()
        held, real = asyncio.Event(), os.fdatasync
        loop = asyncio.get_running_loop()

        def slow(fd: int) -> None:
            # The first sync lasts until all the others wait for the second.
            asyncio.run_coroutine_threadsafe(held.wait(), loop).result(30)
            real(fd)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fdatasync", slow)
            keys = [upload_key(UUID(int=number)) for number in range(6)]
            creating = [asyncio.create_task(create(blobs, key)) for key in keys]
            log = blobs._root.log
            assert log is not None
            async with asyncio.timeout(30):
                while len(log._queued) < len(keys) - 1:  # noqa: ASYNC110  (there is no event)
                    await asyncio.sleep(0.001)
            held.set()
            await asyncio.gather(*creating)

        assert len(syncs) == 2


@pytest.mark.parametrize("size", [1, len(CONTENT), WHOLE])
async def test_after_a_power_cut_a_blob_is_created_again_as_it_was(
    size: int, tmp_path: Path
) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        before = await create(blobs, content=content)
        left = after_a_power_cut(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(left) as blobs:
        assert await blobs.info(KEY) == before
        assert await read(blobs, KEY) == content


async def test_a_blob_that_is_too_large_for_the_log_is_not_in_it(tmp_path: Path) -> None:
    content = bytes(WHOLE + 1)
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        assert (await create(blobs, content=content)).complete
        left = after_a_power_cut(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(left) as blobs:
        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)


@pytest.mark.parametrize("damaged", ["meta.json", "data"])
async def test_a_folder_that_a_power_cut_has_damaged_is_replaced(
    tmp_path: Path, damaged: str
) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        before = await create(blobs)
        shutil.copytree(tmp_path / "blobs", tmp_path / "left")
    (blob_folder(tmp_path / "left", KEY) / damaged).write_bytes(b"")

    async with FilesystemBlobs(tmp_path / "left") as blobs:
        assert await blobs.info(KEY) == before
        assert await read(blobs, KEY) == CONTENT


async def test_a_record_that_was_written_in_part_is_ignored(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await create(blobs)
        await create(blobs, OTHER)
        left = after_a_power_cut(tmp_path / "blobs", tmp_path / "left")
    for name in creation_log.NAMES:
        content = bytearray((left / name).read_bytes())
        place = content.rfind(CONTENT)
        if place >= 0:
            content[place + 5] ^= 1
            (left / name).write_bytes(content)

    async with FilesystemBlobs(left) as blobs:
        assert await read(blobs, KEY) == CONTENT
        with pytest.raises(BlobNotFound):
            await blobs.info(OTHER)


async def test_a_removed_blob_does_not_come_back(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await create(blobs)
        await create(blobs, OTHER)
        await blobs.delete(KEY)
        left = after_a_power_cut(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(left) as blobs:
        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)
        assert await read(blobs, OTHER) == CONTENT


async def test_a_blob_that_was_created_again_by_chunks_stays_as_it_is(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await create(blobs)
        await blobs.delete(KEY)
        await blobs.create(KEY, 6)
        await blobs.write(KEY, 0, stream(b"abc"))
        shutil.copytree(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(tmp_path / "left") as blobs:
        assert (await blobs.info(KEY)).prefix == 3
        assert (await blobs.write(KEY, 3, stream(b"def"))).complete


async def test_an_orderly_end_leaves_an_empty_log(tmp_path: Path) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await create(blobs)
    # An older version removes it, which knows no log.
    shutil.rmtree(blob_folder(tmp_path / "blobs", KEY))

    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)


async def test_full_segments_are_used_again_and_every_blob_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_segment, "SEGMENT", 4 * len(CONTENT))
    monkeypatch.setattr(log_segment, "RESERVE", 0)
    monkeypatch.setattr(log_segment, "_GROWTH", 1000)
    keys = [upload_key(UUID(int=number)) for number in range(40)]
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await asyncio.gather(*(create(blobs, key, CONTENT + key.encode()) for key in keys))
        for key in keys[::3]:
            await blobs.delete(key)
        for name in creation_log.NAMES:
            assert (tmp_path / "blobs" / name).stat().st_size <= 4 * len(CONTENT) + 1000
        shutil.copytree(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(tmp_path / "left") as blobs:
        for number, key in enumerate(keys):
            if number % 3:
                assert await read(blobs, key) == CONTENT + key.encode()
            else:
                with pytest.raises(BlobNotFound):
                    await blobs.info(key)


async def test_without_room_in_the_log_a_blob_is_made_durable_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syncs: list[str]
) -> None:
    monkeypatch.setattr(log_segment, "SEGMENT", 100)
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        syncs.clear()
        info = await create(blobs)
        assert info.complete
        assert {"meta.json", "data"} <= set(syncs)
        await blobs.delete(KEY)

        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)


async def test_a_blob_whose_folder_cannot_be_created_does_not_appear_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FilesystemBlobs(tmp_path / "blobs") as blobs:
        await create(blobs, OTHER)
        with monkeypatch.context() as patch:
            patch.setattr(
                "storage.filesystem.whole_blobs.publish_folder",
                lambda *_, **__: (_ for _ in ()).throw(OSError(5, "Input/output error")),
            )
            with pytest.raises(StorageUnavailable):
                await blobs._whole.create(new_meta(KEY, len(CONTENT), None, {}), CONTENT)
        left = after_a_power_cut(tmp_path / "blobs", tmp_path / "left")

    async with FilesystemBlobs(left) as blobs:
        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)
        assert await read(blobs, OTHER) == CONTENT
