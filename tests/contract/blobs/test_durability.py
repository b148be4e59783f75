"""Blobs are files that survive a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import result_key, upload_key
from tests.blob_backends import has_files, read, stream
from tests.contract.blobs.appends import PARTS, made
from tests.contract.blobs.chunks import KEY, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs


async def test_the_local_file_exists_once_the_blob_is_complete(blobs: Blobs) -> None:
    key = result_key(UUID(int=7), 1)
    await blobs.create(key, 4)
    await blobs.write(key, 0, stream(b"ab"))
    assert blobs.local_path(key) is None

    await blobs.write(key, 2, stream(b"cd"))

    path = blobs.local_path(key)
    assert (path is not None) == has_files(blobs)
    assert path is None or path.read_bytes() == b"abcd"


async def test_usable_storage_answers_a_ping(blobs: Blobs) -> None:
    await blobs.ping()


async def test_blobs_survive_a_restart(open_blobs: OpenBlobs, tmp_path: Path) -> None:
    content = b"0123456789"
    async with open_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 10, sha256=sha256(content), metadata={"filename": "a.csv"})
        before = await blobs.write(KEY, 4, stream(b"456"))

    async with open_blobs(tmp_path) as blobs:
        assert await blobs.info(KEY) == before
        await blobs.write(KEY, 0, stream(b"0123"))
        whole = await blobs.write(KEY, 7, stream(b"789"))

    async with open_blobs(tmp_path) as blobs:
        assert await blobs.info(KEY) == whole
        assert await read(blobs, KEY) == content


async def test_appends_sizes_and_assemblies_survive_a_restart(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    without_size, with_size, assembled = (upload_key(UUID(int=number)) for number in (2, 3, 4))
    async with open_blobs(tmp_path) as blobs:
        for key in (without_size, with_size):
            await blobs.create(key, None)
            lease = await blobs.lease_append(key)
            await blobs.append(key, 0, stream(b"0123"), token=lease.token)
        await blobs.declare_size(with_size, 6)
        await made(blobs, PARTS[0], b"part")
        await blobs.assemble(assembled, [PARTS[0], PARTS[0]])
        before = {key: await blobs.info(key) for key in (without_size, with_size, assembled)}

    async with open_blobs(tmp_path) as blobs:
        assert {key: await blobs.info(key) for key in before} == before
        assert await read(blobs, assembled) == b"partpart"
        assert (await blobs.write(with_size, 4, stream(b"45"))).complete
        lease = await blobs.lease_append(without_size)
        await blobs.append(without_size, 4, stream(b"45"), token=lease.token)
        await blobs.declare_size(without_size, 6)

    async with open_blobs(tmp_path) as blobs:
        for key in (without_size, with_size):
            assert await read(blobs, key) == b"012345"
