"""Blobs are deleted, also while they are read or written."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import result_key
from shared.errors import (
    BlobNotFound,
)
from tests.blob_backends import joined, read, stream
from tests.contract.blobs.chunks import KEY, MIB, Gated, ranges

if TYPE_CHECKING:
    from shared.ports import Blobs


async def test_a_deleted_blob_does_not_exist_and_its_key_is_free(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    await blobs.write(KEY, 0, stream(b"once"))

    await blobs.delete(KEY)
    await blobs.delete(KEY)

    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)
    assert blobs.local_path(KEY) is None
    await blobs.create(KEY, 5)
    await blobs.write(KEY, 0, stream(b"again"))
    assert await read(blobs, KEY) == b"again"


async def test_a_reader_of_a_deleted_blob_reads_to_the_end(blobs: Blobs) -> None:
    content = random.Random(3).randbytes(20 * MIB)
    await blobs.create(KEY, len(content))
    await blobs.write(KEY, 0, stream(content))

    async with blobs.open(KEY) as pieces:
        first = await anext(pieces)
        await blobs.delete(KEY)
        rest = await joined(pieces)

    assert first + rest == content


async def test_a_writer_does_not_restore_a_deleted_blob(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    chunk = Gated(b"A" * 2 * MIB, b"A" * 2 * MIB)
    writing = asyncio.create_task(blobs.write(KEY, 0, chunk.stream()))
    await chunk.paused.wait()

    await blobs.delete(KEY)
    await blobs.create(KEY, 4 * MIB)
    chunk.resume.set()
    with pytest.raises(BlobNotFound):
        await writing

    assert (await blobs.info(KEY)).received == ranges()


async def test_attempts_of_a_job_do_not_share_a_blob(blobs: Blobs) -> None:
    first, second = result_key(UUID(int=7), 1), result_key(UUID(int=7), 2)
    for key, content in [(first, b"one"), (second, b"two")]:
        await blobs.create(key, 3)
        await blobs.write(key, 0, stream(content))

    await blobs.delete(first)

    assert await read(blobs, second) == b"two"
