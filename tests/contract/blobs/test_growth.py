"""Blobs are followed while they are received."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.blobs.client import HttpBlobs
from shared.blobs.layout import blob_folder
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
)
from storage import handlers
from tests.blob_backends import (
    BACKENDS,
    TOKEN,
    filesystem_blobs,
    http_blobs,
    joined,
    remote_blobs,
    storage_server,
    stream,
)
from tests.contract.blobs.chunks import KEY, MIB, Gated, sha256

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.content import Growth
    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs

OPENED = {**BACKENDS, "http, on another machine": remote_blobs}
IMMEDIATELY = 0.0
"""Seconds to wait for a byte."""


@pytest.fixture(params=sorted(OPENED))
def open_blobs(request: pytest.FixtureRequest) -> OpenBlobs:
    return OPENED[request.param]


async def received(blobs: Blobs, start: int = 0, version: str | None = None) -> bytes:
    """Return what can be followed now."""
    async with blobs.follow(KEY, start, version=version, wait=IMMEDIATELY) as growth:
        return await joined(growth)


async def take(growth: Growth, size: int) -> bytes:
    """Return the next `size` bytes, which arrive in pieces of any size."""
    taken = b""
    while len(taken) < size:
        taken += await anext(growth)
    return taken


async def test_bytes_are_followed_as_they_arrive_until_the_blob_is_complete(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))

    async with blobs.follow(KEY) as growth:
        assert await take(growth, 3) == b"abc"
        await blobs.write(KEY, 3, stream(b"def"))
        assert await take(growth, 3) == b"def"
        await blobs.write(KEY, 6, stream(b"ghi"))
        assert await joined(growth) == b"ghi"


async def test_following_begins_before_the_first_byte_is_received(blobs: Blobs) -> None:
    await blobs.create(KEY, 3)

    async with blobs.follow(KEY) as growth:
        first: asyncio.Future[bytes] = asyncio.ensure_future(anext(growth))
        await blobs.write(KEY, 0, stream(b"abc"))

        assert await first == b"abc"


async def test_bytes_behind_a_gap_wait_until_it_is_closed(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 6, stream(b"ghi"))
    await blobs.write(KEY, 0, stream(b"abc"))

    assert await received(blobs) == b"abc"

    await blobs.write(KEY, 3, stream(b"def"))
    assert await received(blobs, 3) == b"defghi"


async def test_a_chunk_that_is_being_received_is_followed_once_it_is_recorded(
    blobs: Blobs,
) -> None:
    chunk = Gated(b"abc", b"def")
    await blobs.create(KEY, 6)
    writing = asyncio.create_task(blobs.write(KEY, 0, chunk.stream()))
    await chunk.paused.wait()

    assert await received(blobs) == b""

    chunk.resume.set()
    await writing
    assert await received(blobs) == b"abcdef"


async def test_an_append_is_followed_while_it_lasts(blobs: Blobs) -> None:
    portion = 16 * MIB
    ended = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        for number in range(16):
            yield bytes([number]) * MIB
        await ended.wait()
        yield b"end"

    await blobs.create(KEY, portion + 3)
    appending = asyncio.create_task(blobs.append(KEY, 0, source()))
    async with blobs.follow(KEY) as growth:
        assert await take(growth, portion) == b"".join(bytes([n]) * MIB for n in range(16))
        assert not appending.done()
        ended.set()
        assert await joined(growth) == b"end"
    await appending


async def test_following_goes_on_at_the_offset_that_was_reached(blobs: Blobs) -> None:
    await blobs.create(KEY, 2 * MIB)
    await blobs.write(KEY, 0, stream(bytes(MIB), b"x" * 10))
    async with blobs.follow(KEY, wait=IMMEDIATELY) as growth:
        size, version = len(await joined(growth)), growth.version
    await blobs.write(KEY, size, stream(b"y" * (2 * MIB - size)))

    assert size == MIB + 10
    assert await received(blobs, size, version) == b"y" * (MIB - 10)
    assert (await blobs.peek(KEY)).version == version


async def test_the_version_is_kept_by_a_restart_of_storage(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    async with open_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 6)
        version = (await blobs.write(KEY, 0, stream(b"abc"))).version
    async with open_blobs(tmp_path) as blobs:
        await blobs.write(KEY, 3, stream(b"def"))

        assert await received(blobs, 3, version) == b"def"


async def test_a_version_whose_bytes_were_discarded_never_comes_back(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    async with open_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
        version = (await blobs.write(KEY, 0, stream(b"ABC"))).version
        with pytest.raises(DigestMismatch):
            await blobs.write(KEY, 3, stream(b"DEF"))
        current = (await blobs.write(KEY, 0, stream(b"abcdef"))).version
    async with open_blobs(tmp_path) as blobs:
        with pytest.raises(DigestMismatch):
            await received(blobs, 3, version)
        assert await received(blobs, 3, current) == b"def"


async def test_bytes_that_were_not_received_cannot_be_skipped(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))

    with pytest.raises(ChunkOutOfBounds):
        await received(blobs, 4)


async def test_an_unknown_blob_cannot_be_followed(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await received(blobs)


async def test_following_a_blob_that_is_deleted_ends_with_an_error(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))
    async with blobs.follow(KEY) as growth:
        await take(growth, 3)
        version = growth.version
        await blobs.delete(KEY)
        with pytest.raises(CsvmillError):
            await anext(growth)

    await blobs.create(KEY, 9)
    with pytest.raises(BlobNotFound):
        await received(blobs, 0, version)


async def test_following_bytes_that_are_discarded_ends_with_an_error(blobs: Blobs) -> None:
    await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
    await blobs.write(KEY, 0, stream(b"abc"))
    async with blobs.follow(KEY) as growth:
        await take(growth, 3)
        version = growth.version
        with pytest.raises(DigestMismatch):
            await blobs.write(KEY, 3, stream(b"DEF"))
        with pytest.raises(CsvmillError):
            await joined(growth)

    with pytest.raises(DigestMismatch):
        await received(blobs, 3, version)
    assert await received(blobs) == b""


async def test_the_end_of_a_blob_is_not_followed_before_its_digest_is_verified(
    blobs: Blobs,
) -> None:
    content = b"abcdef"
    await blobs.create(KEY, 6, sha256=sha256(content))
    async with blobs.follow(KEY) as growth:
        await blobs.write(KEY, 0, stream(content))

        assert await joined(growth) == content
        assert (await blobs.peek(KEY)).complete


async def test_a_blob_that_is_followed_expires_if_it_is_not_used(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))
    async with blobs.follow(KEY) as growth:
        await take(growth, 3)

        assert await blobs.expire(KEY, idle_for=0)


async def test_several_readers_follow_one_blob(blobs: Blobs) -> None:
    content = bytes(range(256)) * 4096 * 3
    await blobs.create(KEY, len(content))

    async def follow() -> bytes:
        async with blobs.follow(KEY) as growth:
            return await joined(growth)

    readers = [asyncio.create_task(follow()) for _ in range(3)]
    for offset in (MIB, 0, 2 * MIB):
        await blobs.write(KEY, offset, stream(content[offset : offset + MIB]))

    assert await asyncio.gather(*readers) == [content] * 3


async def test_a_reader_may_stop_at_any_time(blobs: Blobs) -> None:
    await blobs.create(KEY, 9 * MIB)
    await blobs.write(KEY, 0, stream(*[bytes(MIB)] * 8))
    async with blobs.follow(KEY) as growth:
        await anext(growth)

    assert len(await received(blobs)) == 8 * MIB


async def test_who_sees_the_folder_follows_the_same_bytes_as_parts_of_the_file(
    blobs: Blobs, request: pytest.FixtureRequest
) -> None:
    content = bytes(range(256)) * 4096 * 9
    await blobs.create(KEY, len(content))
    await blobs.write(KEY, 0, stream(content[:MIB]))
    async with blobs.follow(KEY, 5) as growth:
        if "another machine" in request.node.name:
            assert (growth.parts, growth.inode) == (None, None)
            return
        assert growth.parts is not None
        first = await anext(growth.parts)
        assert (first.start, first.stop, await first.read()) == (5, MIB, content[5:MIB])
        await blobs.write(KEY, MIB, stream(content[MIB:]))
        rest = [part async for part in growth.parts]
        assert b"".join([await part.read() for part in rest]) == content[MIB:]
        assert max(map(len, rest)) < 5 * MIB


async def test_parts_of_a_blob_that_is_deleted_end_with_an_error(blobs: Blobs) -> None:
    await blobs.create(KEY, 9)
    await blobs.write(KEY, 0, stream(b"abc"))
    async with blobs.follow(KEY) as growth:
        parts = growth.parts or growth.pieces
        await anext(parts)
        await blobs.delete(KEY)
        with pytest.raises(CsvmillError):
            await anext(parts)


@pytest.mark.parametrize("reason", ["the file is not in the folder", "the folder is not there"])
async def test_bytes_are_followed_over_http_if_their_file_is_not_found(
    reason: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    if reason == "the file is not in the folder":
        (blob_folder(other, KEY)).mkdir(parents=True)
        (blob_folder(other, KEY) / "partial.0").write_bytes(b"another file")
    async with (
        filesystem_blobs(tmp_path / "root") as kept,
        storage_server(tmp_path / "root", kept) as url,
        HttpBlobs(url, TOKEN, local_root=other) as blobs,
    ):
        await blobs.create(KEY, 3)
        await blobs.write(KEY, 0, stream(b"abc"))
        async with blobs.follow(KEY) as growth:
            assert growth.parts is None
            assert await joined(growth) == b"abc"


async def test_bytes_are_followed_over_http_if_storage_has_started_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two machines may mount one folder, but do not see at once what the other has written.
    monkeypatch.setattr(handlers, "boot_id", lambda: "that of another machine")
    async with http_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 3)
        await blobs.write(KEY, 0, stream(b"abc"))
        async with blobs.follow(KEY) as growth:
            assert growth.parts is None
            assert await joined(growth) == b"abc"
