"""The time at which a blob became complete, with both adapters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.errors import DigestMismatch
from tests.blob_backends import read, stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs

KEY, OTHER, THIRD = (upload_key(UUID(int=number)) for number in (1, 2, 3))
COARSE = 0.1
"""Seconds by which the clock of a file system may lag."""


async def by_chunks(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    await blobs.write(KEY, 2, stream(b"cd"))
    assert (await blobs.info(KEY)).completed_at is None
    await blobs.write(KEY, 0, stream(b"ab"))


async def by_declaring_its_size(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 0, stream(b"abcd"))
    assert (await blobs.info(KEY)).completed_at is None
    await blobs.declare_size(KEY, 4)


async def by_assembly(blobs: Blobs) -> None:
    await blobs.create(OTHER, 2)
    await blobs.write(OTHER, 0, stream(b"ab"))
    await blobs.create(THIRD, 2)
    await blobs.write(THIRD, 0, stream(b"cd"))
    await blobs.assemble(KEY, [OTHER, THIRD])


async def of_size_zero(blobs: Blobs) -> None:
    await blobs.create(KEY, 0)


async def after_a_digest_mismatch(blobs: Blobs) -> None:
    digest = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
    await blobs.create(KEY, 4, sha256=digest)  # that of b"abcd"
    with pytest.raises(DigestMismatch):
        await blobs.write(KEY, 0, stream(b"abcx"))
    assert (await blobs.info(KEY)).completed_at is None
    await blobs.write(KEY, 0, stream(b"abcd"))


@pytest.mark.parametrize(
    "complete",
    [by_chunks, by_declaring_its_size, by_assembly, of_size_zero, after_a_digest_mismatch],
)
async def test_the_time_of_completion_never_changes(
    open_blobs: OpenBlobs, tmp_path: Path, complete: Callable[[Blobs], Awaitable[None]]
) -> None:
    began = time.time()
    async with open_blobs(tmp_path) as blobs:
        await complete(blobs)
        first = await blobs.info(KEY)
        assert first.completed_at is not None
        assert began - COARSE <= first.completed_at <= time.time()
        # Later operations do not change it
        await blobs.create(KEY, first.size)
        assert (await blobs.write(KEY, 0, stream(b"abcd"[: first.size]))) == first
        await read(blobs, KEY)
    async with open_blobs(tmp_path) as blobs:
        assert await blobs.info(KEY) == first
        await read(blobs, KEY)
        assert await blobs.info(KEY) == first
