"""Bytes are appended, in order."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from shared.blobs.byte_ranges import RangeSet
from shared.errors import (
    BytesDiffer,
    ChunkOutOfBounds,
)
from tests.blob_backends import read, stream
from tests.contract.blobs.appends import Sender
from tests.contract.blobs.chunks import KEY, MIB, SourceLost, ranges

if TYPE_CHECKING:
    from shared.ports import Blobs


async def test_appended_bytes_are_stored_and_complete_the_blob(blobs: Blobs) -> None:
    content = random.Random(1).randbytes(40 * MIB + 5)
    await blobs.create(KEY, len(content), sha256=hashlib.sha256(content).hexdigest())
    lease = await blobs.lease_append(KEY)
    assert (lease.blob.prefix, lease.blob.complete) == (0, False)
    # Several portions; the first one ends exactly at the end of a piece
    first = await blobs.append(
        KEY, 0, stream(*(content[at : at + MIB] for at in range(0, 32 * MIB, MIB))),
        token=lease.token,
    )  # fmt: skip
    assert first.received == ranges((0, 32 * MIB))
    last = await blobs.append(KEY, 32 * MIB, stream(content[32 * MIB :]), token=lease.token)
    assert last.complete
    assert await read(blobs, KEY) == content


@pytest.mark.parametrize("arrived", [0, 1, 1000, MIB, 16 * MIB, 17 * MIB + 3])
async def test_bytes_received_before_the_source_failed_are_kept_to_the_byte(
    blobs: Blobs, arrived: int
) -> None:
    content = random.Random(2).randbytes(18 * MIB)
    await blobs.create(KEY, len(content))
    lease = await blobs.lease_append(KEY)
    sender = Sender(*(content[at : min(at + MIB, arrived)] for at in range(0, arrived, MIB)))
    sender.lost.set()

    with pytest.raises(SourceLost):
        await blobs.append(KEY, 0, sender.stream(), token=lease.token)

    info = await blobs.info(KEY)
    assert (info.prefix, info.received) == (arrived, RangeSet.of([(0, arrived)]))
    again = await blobs.append(KEY, arrived, stream(content[arrived:]), token=lease.token)
    assert again.complete
    assert await read(blobs, KEY) == content


async def test_bytes_that_were_received_before_stay(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 4, stream(b"456"))
    lease = await blobs.lease_append(KEY)
    with pytest.raises(BytesDiffer, match="offset 4 "):
        await blobs.append(KEY, 2, stream(b"ABCDEF"), token=lease.token)
    info = await blobs.append(KEY, 2, stream(b"AB456F"), token=lease.token)
    assert info.received == ranges((2, 8))
    assert await read(blobs, KEY, 2, 8) == b"AB456F"


async def test_nothing_is_appended_beyond_the_end(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    lease = await blobs.lease_append(KEY)
    with pytest.raises(ChunkOutOfBounds):
        await blobs.append(KEY, 0, stream(b"12345"), token=lease.token)
    for offset in (-1, 5):
        with pytest.raises(ChunkOutOfBounds):
            await blobs.append(KEY, offset, stream(b""), token=lease.token)
    assert not (await blobs.info(KEY)).complete
