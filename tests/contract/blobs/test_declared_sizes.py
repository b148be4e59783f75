"""The size of a blob is declared later."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from shared.errors import (
    BlobConflict,
    BlobIncomplete,
    ChunkOutOfBounds,
    DigestMismatch,
    InvalidInput,
)
from tests.blob_backends import has_files, read, stream
from tests.contract.blobs.appends import Sender
from tests.contract.blobs.chunks import KEY, MIB, SourceLost, ranges

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs


async def test_declaring_the_size_completes_the_blob(blobs: Blobs) -> None:
    info = await blobs.create(KEY, None, metadata={"a": "b"})
    assert (info.size, info.complete) == (None, False)
    info = await blobs.write(KEY, 0, stream(b"0123"))
    assert (info.size, info.complete, info.prefix) == (None, False, 4)
    assert await read(blobs, KEY, 1, 3) == b"12"
    with pytest.raises(BlobIncomplete):
        await read(blobs, KEY)
    with pytest.raises(BlobIncomplete):
        await read(blobs, KEY, 2, 9)
    assert blobs.local_path(KEY) is None

    whole = await blobs.declare_size(KEY, 4)

    assert (whole.size, whole.complete, whole.metadata) == (4, True, {"a": "b"})
    assert await blobs.declare_size(KEY, 4) == whole
    assert await read(blobs, KEY) == b"0123"
    path = blobs.local_path(KEY)
    assert (path is not None) == has_files(blobs)
    assert path is None or path.read_bytes() == b"0123"


async def test_a_declared_size_limits_later_chunks(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 6, stream(b"67"))
    info = await blobs.declare_size(KEY, 8)
    assert (info.complete, info.received) == (False, ranges((6, 8)))
    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, 7, stream(b"xx"))
    assert (await blobs.write(KEY, 0, stream(b"012345"))).complete
    assert await read(blobs, KEY) == b"01234567"


async def test_another_size_or_one_below_the_received_bytes_is_refused(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 0, stream(b"0123"))
    with pytest.raises(ChunkOutOfBounds):
        await blobs.declare_size(KEY, 3)
    assert (await blobs.info(KEY)).size is None
    await blobs.declare_size(KEY, 5)
    with pytest.raises(BlobConflict):
        await blobs.declare_size(KEY, 6)
    with pytest.raises(BlobConflict):
        await blobs.create(KEY, 6)
    assert (await blobs.create(KEY, None)).size == 5
    for size in (-1, 1 << 63):
        with pytest.raises(InvalidInput):
            await blobs.declare_size(KEY, size)


async def test_the_declared_size_may_be_zero(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    assert (await blobs.declare_size(KEY, 0)).complete
    assert await read(blobs, KEY) == b""


async def test_the_digest_is_checked_when_the_size_is_declared_last(blobs: Blobs) -> None:
    await blobs.create(KEY, None, sha256=hashlib.sha256(b"right").hexdigest())
    await blobs.write(KEY, 0, stream(b"wrong"))
    with pytest.raises(DigestMismatch):
        await blobs.declare_size(KEY, 5)
    assert (await blobs.info(KEY)).received == ranges()
    await blobs.write(KEY, 0, stream(b"right"))
    assert (await blobs.declare_size(KEY, 5)).complete


async def test_a_chunk_in_progress_never_reaches_beyond_a_size_declared_meanwhile(
    blobs: Blobs, open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    await blobs.create(KEY, None)
    lease = await blobs.lease_append(KEY)
    sender = Sender(b"A" * MIB, b"A" * 2 * MIB)
    appending = asyncio.create_task(blobs.append(KEY, 0, sender.stream(), token=lease.token))
    await sender.silent.wait()
    await blobs.declare_size(KEY, MIB)
    sender.lost.set()
    with pytest.raises((ChunkOutOfBounds, SourceLost)):
        await appending
    whole = await blobs.write(KEY, 0, stream(b"B" * MIB))
    assert whole.complete
    path = blobs.local_path(KEY)
    assert (path is not None) == has_files(blobs)
    assert path is None or path.stat().st_size == MIB
    assert await read(blobs, KEY) == b"B" * MIB
