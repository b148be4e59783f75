"""Chunks are written, in any order."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    DigestMismatch,
)
from tests.blob_backends import read, stream
from tests.contract.blobs.chunks import KEY, MIB, Gated, SourceLost, breaking, ranges, sha256

if TYPE_CHECKING:
    from shared.ports import Blobs


async def test_chunks_in_any_order_make_the_blob_complete(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)

    after_last = await blobs.write(KEY, 7, stream(b"hij"))
    after_first = await blobs.write(KEY, 0, stream(b"ab", b"cd"))
    after_all = await blobs.write(KEY, 4, stream(b"efg"))

    assert after_last.received == ranges((7, 10))
    assert after_first.received == ranges((0, 4), (7, 10))
    assert after_all.complete
    assert await read(blobs, KEY) == b"abcdefghij"


async def test_large_parallel_chunks_keep_every_byte(blobs: Blobs) -> None:
    content = random.Random(1).randbytes(9 * MIB + 12_345)
    await blobs.create(KEY, len(content), sha256=sha256(content))
    size = 2 * MIB + 7

    async def send(offset: int) -> None:
        chunk = content[offset : offset + size]
        pieces = [chunk[at : at + 65_537] for at in range(0, len(chunk), 65_537)]
        await blobs.write(KEY, offset, stream(*pieces))

    await asyncio.gather(*(send(offset) for offset in range(0, len(content), size)))

    assert (await blobs.info(KEY)).complete
    assert sha256(await read(blobs, KEY)) == sha256(content)


async def test_thousands_of_tiny_pieces_make_one_chunk(blobs: Blobs) -> None:
    content = random.Random(2).randbytes(5_000)
    await blobs.create(KEY, 5_000)

    await blobs.write(KEY, 0, stream(*(content[at : at + 1] for at in range(5_000))))

    assert await read(blobs, KEY) == content


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize(("offset", "chunk"), [(8, b"abc"), (11, b""), (11, b"x"), (-1, b"ab")])
async def test_a_chunk_out_of_bounds_is_refused_and_changes_nothing(
    blobs: Blobs, offset: int, chunk: bytes, complete: bool
) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789" if complete else b"0123"))
    before = await blobs.info(KEY)

    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, offset, stream(chunk))

    assert await blobs.info(KEY) == before


async def test_a_long_chunk_beyond_the_end_records_nothing(blobs: Blobs) -> None:
    await blobs.create(KEY, 3 * MIB)

    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, 0, stream(*[bytes(MIB)] * 4))

    assert (await blobs.info(KEY)).received == ranges()


@pytest.mark.parametrize("offset", [0, 5, 10])
async def test_an_empty_chunk_changes_nothing(blobs: Blobs, offset: int) -> None:
    await blobs.create(KEY, 10)

    info = await blobs.write(KEY, offset, stream(b"", b""))

    assert info.received == ranges()


async def test_what_the_source_raises_is_raised_and_nothing_is_recorded(blobs: Blobs) -> None:
    await blobs.create(KEY, 5 * MIB)

    with pytest.raises(SourceLost):
        await blobs.write(KEY, 0, breaking(bytes(2 * MIB), bytes(2 * MIB)))

    assert (await blobs.info(KEY)).received == ranges()
    info = await blobs.write(KEY, 0, stream(b"x" * 5 * MIB))
    assert info.complete
    assert await read(blobs, KEY, 0, 3) == b"xxx"


async def test_a_cancelled_chunk_records_nothing(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    chunk = Gated(bytes(2 * MIB), bytes(2 * MIB))
    writing = asyncio.create_task(blobs.write(KEY, 0, chunk.stream()))
    await chunk.paused.wait()

    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)

    assert writing.cancelled()
    assert (await blobs.info(KEY)).received == ranges()
    assert (await blobs.write(KEY, 0, stream(bytes(4 * MIB)))).complete


async def test_writing_to_an_unknown_blob_is_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.write(KEY, 0, stream(b"x"))


async def test_a_repeat_does_not_wait_for_the_request_that_hangs(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    hanging = Gated(b"A" * 2 * MIB, b"A" * 2 * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()

    repeat = await blobs.write(KEY, 0, stream(b"A" * 4 * MIB))
    hanging.resume.set()
    late = await first

    assert repeat.complete
    assert late.complete
    assert set(await read(blobs, KEY)) == set(b"A")


async def test_an_interrupted_chunk_does_not_affect_a_parallel_one(blobs: Blobs) -> None:
    await blobs.create(KEY, 6 * MIB)
    hanging = Gated(b"A" * 3 * MIB, b"A")
    hanging.broken = True
    first = asyncio.create_task(blobs.write(KEY, MIB, hanging.stream()))
    await hanging.paused.wait()
    second = Gated(b"B" * 2 * MIB, b"B" * 4 * MIB)
    arriving = asyncio.create_task(blobs.write(KEY, 0, second.stream()))
    await second.paused.wait()

    hanging.resume.set()
    with pytest.raises(SourceLost):
        await first
    second.resume.set()
    info = await arriving

    assert info.complete
    assert set(await read(blobs, KEY)) == set(b"B")


async def test_a_blob_with_its_digest_becomes_complete(blobs: Blobs) -> None:
    await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
    await blobs.write(KEY, 3, stream(b"def"))

    assert (await blobs.write(KEY, 0, stream(b"abc"))).complete


async def test_bytes_with_another_digest_are_dropped_and_may_be_sent_again(blobs: Blobs) -> None:
    await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
    await blobs.write(KEY, 3, stream(b"deX"))

    with pytest.raises(DigestMismatch):
        await blobs.write(KEY, 0, stream(b"abc"))

    assert (await blobs.info(KEY)).received == ranges()
    assert blobs.local_path(KEY) is None
    assert (await blobs.write(KEY, 0, stream(b"abcdef"))).complete
    assert await read(blobs, KEY) == b"abcdef"
