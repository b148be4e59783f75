"""Storage dies at every request that changes something in object storage: nothing is lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import UPLOADS, upload_key
from storage.s3.bucket import Bucket
from storage.s3.names import Names
from tests.blob_backends import read, s3_settings, stream
from tests.unit.storage.s3.crashing import Crashes, opened

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports import Blobs

MIB = 1 << 20
KEY = upload_key(UUID(int=1))
LARGE = random.Random(7).randbytes(11 * MIB + 5)
TWO_PARTS = LARGE[: 5 * MIB + 5]
SMALL = LARGE[: MIB + 3]


@pytest.fixture
def crashes(monkeypatch: pytest.MonkeyPatch) -> Crashes:
    return Crashes(monkeypatch)


async def upload(blobs: Blobs, content: bytes) -> None:
    """Send what is missing, as a client does that resumes, until the upload is complete."""
    at = (await blobs.create(KEY, len(content), metadata={"filename": "a.csv"})).prefix
    info = await blobs.append(KEY, at, stream(content[at:]))
    assert info.complete


async def names_in_bucket(root: Path) -> tuple[set[str], set[str]]:
    """Return the objects of the prefix by their first segments, and the multipart uploads."""
    settings = s3_settings(root)
    bucket_name, _, prefix = str(settings.blobs).removeprefix("s3://").partition("/")
    names = Names(f"{prefix}/")
    async with Bucket(bucket_name, settings) as bucket:
        objects = {
            each.name.removeprefix(names.prefix) async for each in bucket.objects(names.prefix)
        }
        return objects, {each.upload_id async for each in bucket.unfinished(names.prefix)}


async def check(root: Path, content: bytes) -> None:
    """Check that the blob is there once, whole, and that nothing else stays after a sweep."""
    async with opened(root, blobs_orphan_age=1e-9) as blobs:
        await upload(blobs, content)
        assert await read(blobs, KEY) == content
        async with blobs.walk(UPLOADS) as found:
            assert [(each.key, each.complete) async for each in found] == [(KEY, True)]
        await blobs.sweep()  # type: ignore[attr-defined]
        assert await read(blobs, KEY) == content
    objects, uploads = await names_in_bucket(root)
    assert sorted(name.partition("/")[0] for name in objects) == ["about", "data"]
    assert not uploads
    assert not list((root / UPLOADS).iterdir())


@pytest.mark.parametrize("content", [SMALL, TWO_PARTS], ids=["small", "two parts"])
@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
async def test_an_upload_is_whole_and_there_once_whatever_request_storage_dies_at(
    tmp_path: Path, crashes: Crashes, content: bytes, answered: bool
) -> None:
    for at in range(20):
        root = tmp_path / str(at)
        crashes.at, crashes.answered, crashes.seen = at, answered, []
        async with opened(root) as blobs:
            died = await crashes.during(upload(blobs, content))
        # A request that the upload itself gave up, as the whole was there, is none to die at
        ended = not died and at >= len(crashes.seen)
        crashes.recover()
        await check(root, content)
        if ended:
            assert at >= 2
            return
    raise AssertionError("storage never stops sending")


async def test_a_blob_that_is_deleted_stays_so_whatever_request_storage_dies_at(
    tmp_path: Path, crashes: Crashes
) -> None:
    for at in range(10):
        root = tmp_path / str(at)
        async with opened(root, blobs_orphan_age=1e-9) as blobs:
            await upload(blobs, SMALL)
            crashes.at, crashes.seen = at, []
            died = await crashes.during(blobs.delete(KEY))
        crashes.recover()
        async with opened(root, blobs_orphan_age=1e-9) as blobs:
            await blobs.delete(KEY)
            await blobs.sweep()  # type: ignore[attr-defined]
            async with blobs.walk(UPLOADS) as found:
                assert not [each async for each in found]
        assert await names_in_bucket(root) == (set(), set())
        if not died:
            return
    raise AssertionError("a deletion never ends")


async def test_parts_are_sent_before_the_upload_is_complete_and_not_sent_again(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with opened(tmp_path) as blobs:
        await blobs.create(KEY, len(LARGE))
        await blobs.write(KEY, 0, stream(LARGE[: 10 * MIB]))
        await crashes.wait_for("upload_part", 2)
        await crashes.wait_for("put_object", 1)  # what describes the upload in flight
        assert (await blobs.info(KEY)).prefix == 10 * MIB
    # Another process continues with what the first one has sent
    async with opened(tmp_path) as blobs:
        await blobs.write(KEY, 10 * MIB, stream(LARGE[10 * MIB :]))
        assert crashes.seen.count("upload_part") == 3
        assert crashes.seen.count("create_multipart_upload") == 1
        assert await read(blobs, KEY) == LARGE
