"""The contract of the Blobs port for unused blobs, with both adapters."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.blobs.blob import RESULTS, UPLOADS, result_key, upload_key
from shared.blobs.layout import blob_folder
from shared.errors import BlobNotFound, InvalidInput
from storage.filesystem import walk
from storage.s3 import notes
from tests.blob_backends import joined, read, stream
from tests.contract.blobs.chunks import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobKey
    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs

    Use = Callable[[Blobs], Awaitable[object]]

DAY = 86_400.0


def let_pass(root: Path, key: BlobKey, seconds: float) -> None:
    """Make the blob look unused for so many seconds."""
    then = time.time() - seconds
    folders = [root, *root.glob("server-*")]
    noted = [blob_folder(each / notes.USES, key) for each in folders]
    for path in (*(blob_folder(each, key) for each in folders), *noted):
        with suppress(FileNotFoundError):
            os.utime(path, (then, then))


async def walked(blobs: Blobs, kind: str) -> list[BlobActivity]:
    async with blobs.walk(kind) as found:
        return [activity async for activity in found]


async def is_there(blobs: Blobs, key: BlobKey) -> bool:
    return key in [activity.key for activity in await walked(blobs, key.partition("/")[0])]


async def made(blobs: Blobs, key: BlobKey, content: bytes = b"abcd") -> None:
    await blobs.create(key, len(content))
    await blobs.write(key, 0, stream(content))


# --- expire


async def test_a_blob_expires_when_it_was_not_used_for_long_enough_and_not_before(
    blobs: Blobs, tmp_path: Path
) -> None:
    await made(blobs, KEY)
    let_pass(tmp_path, KEY, DAY)

    assert not await blobs.expire(KEY, idle_for=DAY + 60)
    assert await is_there(blobs, KEY)
    assert await blobs.expire(KEY, idle_for=DAY - 60)

    assert not await is_there(blobs, KEY)
    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)


async def test_a_blob_that_was_used_since_it_was_listed_is_kept_however_long_ago_that_is(
    blobs: Blobs, tmp_path: Path
) -> None:
    await made(blobs, KEY)
    let_pass(tmp_path, KEY, 3 * DAY)
    (before,) = await walked(blobs, UPLOADS)
    let_pass(tmp_path, KEY, 2 * DAY)
    (after,) = await walked(blobs, UPLOADS)

    assert not await blobs.expire(KEY, idle_for=DAY, used=before.used)
    assert await blobs.expire(KEY, idle_for=DAY, used=after.used)


async def test_an_unknown_blob_does_not_expire(blobs: Blobs) -> None:
    assert not await blobs.expire(KEY, idle_for=0)


USES: dict[str, Use] = {
    "is created again": lambda blobs: blobs.create(KEY, 4),
    "gets a chunk": lambda blobs: blobs.write(KEY, 0, stream(b"ab")),
    "gets a chunk that it has": lambda blobs: blobs.write(KEY, 2, stream(b"cd")),
    "is described": lambda blobs: blobs.info(KEY),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
async def test_an_upload_that_is_used_again_does_not_expire(
    blobs: Blobs, tmp_path: Path, use: Use
) -> None:
    await blobs.create(KEY, 4)
    await blobs.write(KEY, 2, stream(b"cd"))
    let_pass(tmp_path, KEY, 2 * DAY)

    await use(blobs)

    assert not await blobs.expire(KEY, idle_for=DAY)
    await blobs.write(KEY, 0, stream(b"ab"))
    assert await read(blobs, KEY) == b"abcd"


async def test_a_peek_describes_the_blob_and_is_not_a_use(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.peek(KEY)
    await made(blobs, KEY)
    info = await blobs.info(KEY)
    let_pass(tmp_path, KEY, 2 * DAY)

    assert await blobs.peek(KEY) == info

    assert await blobs.expire(KEY, idle_for=DAY)


async def test_a_walk_reports_which_blobs_are_complete(blobs: Blobs) -> None:
    whole, empty, partial = (upload_key(UUID(int=number)) for number in (2, 3, 4))
    await made(blobs, whole)
    await blobs.create(empty, 0)
    await blobs.create(partial, 4)
    await blobs.write(partial, 0, stream(b"abc"))

    found = {activity.key: activity.complete for activity in await walked(blobs, UPLOADS)}

    assert found == {whole: True, empty: True, partial: False}


async def test_a_complete_upload_whose_chunk_is_repeated_does_not_expire(
    blobs: Blobs, tmp_path: Path
) -> None:
    await made(blobs, KEY)
    let_pass(tmp_path, KEY, 2 * DAY)

    assert (await blobs.write(KEY, 0, stream(b"ab"))).complete

    assert not await blobs.expire(KEY, idle_for=DAY)


@pytest.mark.parametrize("arrives", [True, False])
async def test_an_upload_does_not_expire_during_a_chunk_however_long_it_takes(
    blobs: Blobs, tmp_path: Path, arrives: bool
) -> None:
    # Given a chunk of which half was received more than a day ago
    half_way, resume = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"ab"
        half_way.set()
        await resume.wait()
        if not arrives:
            raise ConnectionResetError
        yield b"cd"

    await blobs.create(KEY, 4)
    writing = asyncio.create_task(blobs.write(KEY, 0, slow()))
    await half_way.wait()
    # (over HTTP: until storage has begun to read the chunk, which is not a use yet)
    async with asyncio.timeout(10):
        while True:
            let_pass(tmp_path, KEY, 2 * DAY)
            if not await blobs.expire(KEY, idle_for=DAY):
                break
            await blobs.create(KEY, 4)

    # When the chunk ends, completely or not
    resume.set()
    if arrives:
        assert (await writing).complete
    else:
        with pytest.raises(ConnectionResetError):
            await writing

    # Then the time of the upload restarts. (Over HTTP, storage may notice a broken chunk later:
    # until then the chunk itself keeps the upload.)
    assert not await blobs.expire(KEY, idle_for=DAY)
    async with asyncio.timeout(10):
        while (await walked(blobs, UPLOADS))[0].idle > DAY:
            pass
    assert not await blobs.expire(KEY, idle_for=DAY)


async def test_the_time_of_last_use_survives_the_process(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    idle, used = upload_key(UUID(int=2)), upload_key(UUID(int=3))
    async with open_blobs(tmp_path) as blobs:
        for key in (idle, used):
            await blobs.create(key, 4)
            await blobs.write(key, 0, stream(b"ab"))
            let_pass(tmp_path, key, 2 * DAY)
        await blobs.info(used)

    async with open_blobs(tmp_path) as blobs:
        assert not await blobs.expire(used, idle_for=DAY)
        assert await blobs.expire(idle, idle_for=DAY)
        assert (await blobs.info(used)).received.covers(0, 2)


async def test_a_reader_of_an_expired_blob_reads_to_the_end(blobs: Blobs) -> None:
    content = os.urandom(20 << 20)
    await made(blobs, KEY, content)

    async with blobs.open(KEY) as pieces:
        first = await anext(pieces)
        # Over HTTP the service may still be about to open the blob for its reader.
        async with asyncio.timeout(10):
            while not await blobs.expire(KEY, idle_for=0):
                pass
        rest = await joined(pieces)

    assert first + rest == content


async def test_one_of_many_concurrent_expirations_removes_the_blob(blobs: Blobs) -> None:
    await made(blobs, KEY)
    assert sum(await asyncio.gather(*(blobs.expire(KEY, idle_for=0) for _ in range(20)))) == 1


async def test_a_use_during_expiration_keeps_the_blob_or_finds_none(
    blobs: Blobs, tmp_path: Path
) -> None:
    outcomes = set()
    for number in range(20):
        key = upload_key(UUID(int=number))
        await made(blobs, key)
        let_pass(tmp_path, key, 2 * DAY)

        # As a gateway does: declare, then write.
        async def repeat_chunk(key: BlobKey = key) -> bool:
            return (await blobs.create(key, 4)).complete

        first, second = repeat_chunk(), blobs.expire(key, idle_for=DAY)
        if number % 2:
            removed, kept = await asyncio.gather(second, first)
        else:
            kept, removed = await asyncio.gather(first, second)

        assert kept is not removed
        assert (await blobs.info(key)).complete is kept
        outcomes.add(kept)
    assert outcomes == {True, False}


@pytest.mark.parametrize("idle_for", [-1.0, float("nan"), float("inf")])
async def test_an_idle_time_that_is_not_a_number_of_seconds_is_refused(
    open_blobs: OpenBlobs, tmp_path: Path, idle_for: float
) -> None:
    async with open_blobs(tmp_path) as blobs:
        await made(blobs, KEY)
        with pytest.raises(InvalidInput):
            await blobs.expire(KEY, idle_for=idle_for)
        assert await is_there(blobs, KEY)


# --- walk


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk lists 20 blobs in one call."""
    monkeypatch.setattr(walk, "BATCH", 20)


@pytest.mark.usefixtures("small_batches")
async def test_a_walk_yields_all_blobs_of_a_kind_with_their_idle_time(
    blobs: Blobs, tmp_path: Path
) -> None:
    # More than one batch, in all states
    uploads = [upload_key(uuid4()) for _ in range(50)]
    results = [result_key(uuid4(), attempt) for attempt in (1, 2, 30)]
    for number, key in enumerate(uploads):
        await blobs.create(key, number)
        let_pass(tmp_path, key, number * 1000.0)
    for key in results:
        await made(blobs, key)

    found = {activity.key: activity.idle for activity in await walked(blobs, UPLOADS)}

    assert sorted(found) == sorted(uploads)
    for number, key in enumerate(uploads):
        assert found[key] == pytest.approx(number * 1000.0, abs=120)
    assert sorted(a.key for a in await walked(blobs, RESULTS)) == sorted(results)


async def test_a_walk_over_no_blobs_is_empty(blobs: Blobs) -> None:
    assert await walked(blobs, RESULTS) == []


async def test_folders_that_are_not_blobs_are_ignored(blobs: Blobs, tmp_path: Path) -> None:
    await made(blobs, KEY)
    (tmp_path / UPLOADS / "lost+found").mkdir()
    (tmp_path / UPLOADS / "Notes.txt").write_text("an operator's")
    assert [activity.key for activity in await walked(blobs, UPLOADS)] == [KEY]


@pytest.mark.usefixtures("small_batches")
async def test_blobs_may_be_removed_during_a_walk(blobs: Blobs) -> None:
    keys = [upload_key(UUID(int=number)) for number in range(70)]
    for key in keys:
        await blobs.create(key, 0)

    seen: list[BlobKey] = []
    async with blobs.walk(UPLOADS) as found:
        async for activity in found:
            if len(seen) % 3 == 0:
                assert await blobs.expire(activity.key, idle_for=0)
            seen.append(activity.key)

    assert sorted(seen) == keys
    left = [activity.key for activity in await walked(blobs, UPLOADS)]
    assert sorted(left) == sorted(set(seen) - set(seen[::3]))


@pytest.mark.usefixtures("small_batches")
async def test_a_walk_may_be_left_before_its_end(blobs: Blobs) -> None:
    for number in range(50):
        await blobs.create(upload_key(UUID(int=number)), 0)
    async with blobs.walk(UPLOADS) as found:
        await anext(found)
    assert len(await walked(blobs, UPLOADS)) == 50


@pytest.mark.parametrize("kind", ["", "..", ".trash", "uploads/../..", "a" * 65])
async def test_a_walk_over_a_malformed_kind_is_refused(blobs: Blobs, kind: str) -> None:
    with pytest.raises(InvalidInput):
        await walked(blobs, kind)
