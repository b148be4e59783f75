"""A server is lost: another one adopts its uploads in flight, and the lost one does no harm."""

from __future__ import annotations

import hashlib
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import UPLOADS, upload_key
from shared.blobs.client import HttpBlobs
from shared.blobs.epochs import under_epoch
from shared.errors import BlobMoved, BlobNotFound, BytesDiffer, DigestMismatch
from storage.s3.blobs import S3Blobs
from tests.blob_backends import TOKEN, read, s3_blobs, storage_server, stream
from tests.unit.storage.s3.crashing import Crashes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.blob import BlobInfo

MIB = 1 << 20
KEY = upload_key(UUID(int=1))
CONTENT = random.Random(9).randbytes(11 * MIB + 5)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SENT = 10 * MIB + 77
"""Bytes that the first server has: two parts of 5 MiB, and some that it takes with it."""


@asynccontextmanager
async def server(root: Path, name: str, **more: Any) -> AsyncIterator[S3Blobs]:
    """Open a server with a disk of its own; all servers of a test share the object storage."""
    async with s3_blobs(root / name, shared=root, blobs_part_size=5 * MIB, **more) as blobs:
        assert isinstance(blobs, S3Blobs)
        yield blobs


@pytest.fixture
def crashes(monkeypatch: pytest.MonkeyPatch) -> Crashes:
    return Crashes(monkeypatch)


async def send(blobs: S3Blobs, crashes: Crashes, epoch: int = 1) -> BlobInfo:
    """Send the first bytes under an epoch; return when two parts are in object storage."""
    await blobs.hold(KEY, epoch)
    await blobs.create(KEY, len(CONTENT), sha256=SHA256, metadata={"filename": "a.csv"})
    info = await blobs.append(KEY, 0, stream(CONTENT[:SENT]))
    await crashes.wait_for("upload_part", 2)
    await crashes.wait_for("put_object", 1)
    return info


async def test_an_upload_continues_at_another_server_with_what_is_in_object_storage(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with server(tmp_path, "lost") as lost:
        before = await send(lost, crashes)
    async with server(tmp_path, "next") as blobs:
        adopted = await blobs.adopt(KEY, 2)

        assert adopted.prefix == 10 * MIB
        assert (adopted.size, adopted.sha256, adopted.metadata) == (
            before.size,
            SHA256,
            {"filename": "a.csv"},
        )
        assert adopted.version != before.version
        async with blobs.walk_here(UPLOADS) as found:
            assert [each.key async for each in found] == [KEY]
        assert await read(blobs, KEY, 0, 10 * MIB) == CONTENT[: 10 * MIB]
        with pytest.raises(BytesDiffer):
            await blobs.write(KEY, 5, stream(b"other"))
        assert await blobs.adopt(KEY, 2) == adopted
        assert (await blobs.append(KEY, 10 * MIB, stream(CONTENT[10 * MIB :]))).complete
        assert await read(blobs, KEY) == CONTENT
        assert (await blobs.adopt(KEY, 3)).complete
        async with blobs.walk_here(UPLOADS) as found:
            assert [each.key async for each in found] == []


async def test_a_digest_is_verified_over_adopted_bytes_too(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with server(tmp_path, "lost") as lost:
        await send(lost, crashes)
    async with server(tmp_path, "next") as blobs:
        await blobs.adopt(KEY, 2)
        with pytest.raises(DigestMismatch):
            await blobs.append(KEY, 10 * MIB, stream(bytes(MIB + 5)))
        assert (await blobs.info(KEY)).prefix == 0


async def test_an_upload_without_parts_in_object_storage_is_not_found(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with server(tmp_path, "lost") as lost:
        await lost.hold(KEY, 1)
        await lost.create(KEY, len(CONTENT))
        await lost.append(KEY, 0, stream(b"abc"))
    async with server(tmp_path, "next") as blobs:
        with pytest.raises(BlobNotFound):
            await blobs.adopt(KEY, 2)
        await blobs.hold(KEY, 2)
        await blobs.create(KEY, len(CONTENT))
        assert (await blobs.append(KEY, 0, stream(CONTENT))).complete


async def test_the_lost_server_is_refused_when_it_is_back_and_changes_nothing(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with server(tmp_path, "lost") as lost, server(tmp_path, "next") as blobs:
        await send(lost, crashes)
        await blobs.adopt(KEY, 2)
        # It does not know yet, and its client completes the upload there
        with pytest.raises(BlobMoved):
            await lost.append(KEY, SENT, stream(CONTENT[SENT:]))
        # A gateway tells it
        with pytest.raises(BlobMoved):
            await lost.hold(KEY, 2)
        await lost.abandon(KEY, 2)
        with pytest.raises(BlobNotFound):
            await lost.info(KEY)

        await blobs.hold(KEY, 2)
        with pytest.raises(BlobMoved):
            await blobs.hold(KEY, 1)
        assert (await blobs.info(KEY)).prefix == 10 * MIB
        assert (await blobs.append(KEY, 10 * MIB, stream(CONTENT[10 * MIB :]))).complete
        assert await read(lost, KEY) == CONTENT


async def test_an_upload_moves_on_when_the_server_that_adopted_it_is_lost_too(
    tmp_path: Path, crashes: Crashes
) -> None:
    async with server(tmp_path, "first") as first:
        await send(first, crashes)
    async with server(tmp_path, "second") as second:
        await second.adopt(KEY, 2)
    async with server(tmp_path, "first", blobs_orphan_age=1e-9) as first:
        # Its own copy of the lower epoch is discarded
        assert (await first.adopt(KEY, 3)).prefix == 10 * MIB
        assert (await first.append(KEY, 10 * MIB, stream(CONTENT[10 * MIB :]))).complete
        await first.sweep()
        assert await read(first, KEY) == CONTENT


async def test_complete_blobs_are_read_listed_and_expire_at_each_server(tmp_path: Path) -> None:
    async with server(tmp_path, "one") as one, server(tmp_path, "other") as other:
        await one.create(KEY, 6)
        whole = await one.append(KEY, 0, stream(b"abcdef"))

        assert await other.info(KEY) == whole
        assert await read(other, KEY, 2, 5) == b"cde"
        assert (await other.create(KEY, 6)) == whole
        async with other.walk(UPLOADS) as found:
            assert [(each.key, each.complete) async for each in found] == [(KEY, True)]
        assert not await other.expire(KEY, idle_for=3600)
        assert await other.expire(KEY, idle_for=0)
        for each in (one, other):
            with pytest.raises(BlobNotFound):
                await read(each, KEY)


async def test_uploads_move_over_http(tmp_path: Path, crashes: Crashes) -> None:
    async with server(tmp_path, "lost") as lost:
        await send(lost, crashes)
    async with (
        server(tmp_path, "next") as kept,
        storage_server(tmp_path / "next", kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        assert (await blobs.adopt(KEY, 2)).prefix == 10 * MIB
        with under_epoch(1), pytest.raises(BlobMoved):
            await blobs.info(KEY)
        with under_epoch(2):
            rest = CONTENT[10 * MIB :]
            assert (await blobs.append(KEY, 10 * MIB, stream(rest))).complete
        await blobs.abandon(KEY, 3)
        assert await read(blobs, KEY) == CONTENT
