"""A blob is assembled of others."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.errors import (
    BlobIncomplete,
    BlobNotFound,
    InvalidInput,
)
from tests.blob_backends import has_files, read
from tests.contract.blobs.appends import PARTS, made
from tests.contract.blobs.chunks import KEY, MIB

if TYPE_CHECKING:
    from shared.ports import Blobs


async def test_a_blob_is_assembled_of_others(blobs: Blobs) -> None:
    contents = [random.Random(n).randbytes(n) for n in (3 * MIB + 1, 0, 70_001)]
    for key, content in zip(PARTS, contents, strict=True):
        await made(blobs, key, content)

    info = await blobs.assemble(KEY, [*PARTS, PARTS[0]], metadata={"filename": "a.csv"})

    expected = b"".join(contents) + contents[0]
    assert (info.size, info.complete, info.metadata) == (len(expected), True, {"filename": "a.csv"})
    assert await read(blobs, KEY) == expected
    assert (blobs.local_path(KEY) is not None) == has_files(blobs)
    # The parts have not changed, and a repetition returns the same
    assert await read(blobs, PARTS[0]) == contents[0]
    await blobs.delete(PARTS[0])
    with pytest.raises(BlobNotFound):
        await blobs.assemble(KEY, PARTS)
    assert await read(blobs, KEY) == expected


async def test_concurrent_assemblies_create_one_blob(blobs: Blobs) -> None:
    for key in PARTS:
        await made(blobs, key, b"part")
    infos = await asyncio.gather(
        *(blobs.assemble(KEY, PARTS, metadata={"by": str(number)}) for number in range(6))
    )
    assert len({info.metadata["by"] for info in infos}) == 1
    assert await read(blobs, KEY) == b"partpartpart"


async def test_only_complete_parts_are_assembled(blobs: Blobs) -> None:
    await made(blobs, PARTS[0], b"whole")
    await blobs.create(PARTS[1], 2)
    await blobs.create(PARTS[2], None)
    for parts in ([PARTS[0], PARTS[1]], [PARTS[2]]):
        with pytest.raises(BlobIncomplete):
            await blobs.assemble(KEY, parts)
    with pytest.raises(BlobNotFound):
        await blobs.assemble(KEY, [PARTS[0], upload_key(UUID(int=99))])
    for nonsense in ([], [PARTS[0], KEY]):
        with pytest.raises(InvalidInput):
            await blobs.assemble(KEY, nonsense)
    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)
