"""Data may have parts of sockets: they are stored as bytes are."""

from __future__ import annotations

import asyncio
import hashlib
import random
from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import Declaration, upload_key
from shared.errors import BytesDiffer, ChunkOutOfBounds, DigestMismatch
from tests.blob_backends import read, stream
from tests.contract.blobs.chunks import KEY, MIB, SourceLost, ranges
from tests.sockets import parts_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.blobs.socket_part import Piece
    from shared.ports import Blobs

CONTENT = random.Random(5).randbytes(20 * MIB + 77)


async def mixed(content: bytes, taken: list[int] | None = None) -> AsyncGenerator[Piece, None]:
    """Yield content that ends with bytes and begins with bytes, and parts of a socket between."""
    yield content[:1000]
    async with aclosing(parts_of(content[1000:-500], taken=taken)) as parts:
        async for piece in parts:
            yield piece
    yield content[-500:]


async def closing(
    store: Callable[..., Awaitable[BlobInfo]],
    key: BlobKey,
    pieces: AsyncGenerator[Piece, None],
    **options: object,
) -> BlobInfo:
    """Store pieces from the start of a blob, and close their socket, as callers have to."""
    async with aclosing(pieces):
        return await store(key, 0, pieces, **options)


@pytest.mark.parametrize("append", [False, True])
async def test_parts_complete_a_blob_whose_digest_is_verified(blobs: Blobs, append: bool) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    await blobs.create(KEY, len(CONTENT), sha256=digest)
    taken: list[int] = []
    store = blobs.append if append else blobs.write
    info = await closing(store, KEY, mixed(CONTENT, taken))
    assert info.complete
    assert sum(taken) == len(CONTENT) - 1500
    assert await read(blobs, KEY) == CONTENT


async def test_parts_with_other_bytes_than_declared_are_discarded(blobs: Blobs) -> None:
    await blobs.create(KEY, len(CONTENT), sha256=hashlib.sha256(b"other").hexdigest())
    with pytest.raises(DigestMismatch):
        await closing(blobs.append, KEY, mixed(CONTENT))
    assert not (await blobs.info(KEY)).received


@pytest.mark.parametrize("append", [False, True])
async def test_bytes_of_parts_that_were_received_before_are_compared(
    blobs: Blobs, append: bool
) -> None:
    await blobs.create(KEY, len(CONTENT))
    await blobs.write(KEY, 9 * MIB, stream(CONTENT[9 * MIB : 10 * MIB + 9]))
    store = blobs.append if append else blobs.write
    other = bytearray(CONTENT)
    other[10 * MIB] ^= 1
    with pytest.raises(BytesDiffer):
        await closing(store, KEY, mixed(bytes(other)))
    assert (await closing(store, KEY, mixed(CONTENT))).complete
    assert await read(blobs, KEY) == CONTENT


@pytest.mark.parametrize("append", [False, True])
async def test_of_parts_before_a_failure_an_append_keeps_all_and_a_write_nothing(
    blobs: Blobs, append: bool
) -> None:
    async def lost() -> AsyncGenerator[Piece, None]:
        async with aclosing(parts_of(CONTENT)) as parts:
            async for piece in parts:
                yield piece
        raise SourceLost

    await blobs.create(KEY, 2 * len(CONTENT))
    store = blobs.append if append else blobs.write
    with pytest.raises(SourceLost):
        await closing(store, KEY, lost())
    kept = ranges((0, len(CONTENT))) if append else ranges()
    assert (await blobs.info(KEY)).received == kept
    if append:
        assert await read(blobs, KEY, 0, len(CONTENT)) == CONTENT


@pytest.mark.parametrize("append", [False, True])
async def test_parts_beyond_the_end_are_refused(blobs: Blobs, append: bool) -> None:
    await blobs.create(KEY, 10 * MIB)
    store = blobs.append if append else blobs.write
    with pytest.raises(ChunkOutOfBounds):
        await closing(store, KEY, mixed(CONTENT))
    assert not (await blobs.info(KEY)).complete


async def test_more_bodies_at_a_time_than_threads_for_them(blobs: Blobs) -> None:
    keys = [upload_key(UUID(int=number)) for number in range(1, 8)]
    content = CONTENT[: 6 * MIB]
    declaration = Declaration(len(content))
    await asyncio.gather(
        *(closing(blobs.write, key, parts_of(content), declaration=declaration) for key in keys)
    )
    for key in keys:
        assert await read(blobs, key) == content


async def test_two_senders_of_the_same_bytes_complete_a_blob_together(blobs: Blobs) -> None:
    await blobs.create(KEY, len(CONTENT))
    answers = await asyncio.gather(
        *(closing(blobs.write, KEY, parts_of(CONTENT, most=2 * MIB)) for _ in range(2))
    )
    assert all(info.complete for info in answers)
    assert await read(blobs, KEY) == CONTENT


async def test_a_small_blob_of_a_part_is_stored(blobs: Blobs) -> None:
    declaration = Declaration(1000)
    info = await closing(blobs.write, KEY, parts_of(CONTENT[:1000]), declaration=declaration)
    assert info.complete
    assert await read(blobs, KEY) == CONTENT[:1000]
