"""Blobs are created."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.blobs.blob import BlobKey
from shared.errors import (
    BlobConflict,
    BlobNotFound,
    DigestMismatch,
    InvalidInput,
)
from tests.blob_backends import has_files, read, stream
from tests.contract.blobs.chunks import KEY, ranges, sha256

if TYPE_CHECKING:
    from shared.ports import Blobs


async def test_a_new_blob_is_as_declared_and_empty(blobs: Blobs) -> None:
    info = await blobs.create(KEY, 10, sha256="0" * 64, metadata={"filename": "Größe.csv"})

    assert (info.key, info.size, info.sha256) == (KEY, 10, "0" * 64)
    assert info.metadata == {"filename": "Größe.csv"}
    assert info.received == ranges()
    assert not info.complete
    assert await blobs.info(KEY) == info


async def test_creating_again_returns_the_existing_blob(blobs: Blobs) -> None:
    await blobs.create(KEY, 10, metadata={"filename": "first"})
    await blobs.write(KEY, 2, stream(b"abc"))

    info = await blobs.create(KEY, 10, metadata={"filename": "second"})

    assert info.received == ranges((2, 5))
    assert info.metadata == {"filename": "first"}


@pytest.mark.parametrize(("size", "digest"), [(11, None), (10, "1" * 64)])
async def test_a_blob_of_another_size_or_digest_is_a_conflict(
    blobs: Blobs, size: int, digest: str | None
) -> None:
    await blobs.create(KEY, 10, sha256="0" * 64)

    with pytest.raises(BlobConflict):
        await blobs.create(KEY, size, sha256=digest)


async def test_a_digest_declared_too_late_is_a_conflict(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)

    with pytest.raises(BlobConflict):
        await blobs.create(KEY, 10, sha256="0" * 64)


async def test_a_blob_can_have_the_key_of_another_one_and_more(blobs: Blobs) -> None:
    # As the rejects of a result have: object storage that keeps files has no folder of that name.
    longer = BlobKey(f"{KEY}/more")
    deeper = BlobKey(f"{longer}/still")
    for key, content in ((longer, b"second"), (KEY, b"first"), (deeper, b"third")):
        await blobs.create(key, len(content))
        await blobs.write(key, 0, stream(content))
    assert [await read(blobs, key) for key in (KEY, longer, deeper)] == [
        b"first", b"second", b"third",
    ]  # fmt: skip
    await blobs.delete(longer)
    assert [await read(blobs, key) for key in (KEY, deeper)] == [b"first", b"third"]


async def test_concurrent_creations_create_one_blob(blobs: Blobs) -> None:
    infos = await asyncio.gather(
        *(blobs.create(KEY, 10, metadata={"by": str(number)}) for number in range(8))
    )

    assert len({info.metadata["by"] for info in infos}) == 1


async def test_a_blob_of_no_bytes_is_complete_at_once(blobs: Blobs) -> None:
    info = await blobs.create(KEY, 0, sha256=sha256(b""))

    assert info.complete
    assert await read(blobs, KEY) == b""
    assert (blobs.local_path(KEY) is not None) == has_files(blobs)


async def test_an_empty_blob_with_another_digest_is_refused(blobs: Blobs) -> None:
    with pytest.raises(DigestMismatch):
        await blobs.create(KEY, 0, sha256=sha256(b"something"))

    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)


@pytest.mark.parametrize(
    ("size", "digest", "metadata", "field"),
    [
        (-1, None, {}, "size"),
        (1 << 63, None, {}, "size"),
        (1, "0" * 63, {}, "sha256"),
        (1, "A" * 64, {}, "sha256"),
        (1, None, {"filename": "x" * 70_000}, "metadata"),
    ],
)
async def test_a_malformed_declaration_is_refused_with_its_field(
    blobs: Blobs, size: int, digest: str | None, metadata: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await blobs.create(KEY, size, sha256=digest, metadata=metadata)

    assert refusal.value.field == field
