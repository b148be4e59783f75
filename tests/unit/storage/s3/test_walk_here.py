"""The list of blobs on the disk of one of several servers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import UPLOADS, upload_key
from shared.ports.adoption import AdoptsUploads
from tests.blob_backends import s3_blobs, stream

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_in_object_storage_only_is_not_on_the_disk_of_a_server(
    tmp_path: Path,
) -> None:
    complete, in_flight = (upload_key(UUID(int=number)) for number in (1, 2))
    async with s3_blobs(tmp_path) as blobs:
        assert isinstance(blobs, AdoptsUploads)
        for key in (complete, in_flight):
            await blobs.create(key, 4)
        await blobs.write(in_flight, 0, stream(b"ab"))
        assert (await blobs.write(complete, 0, stream(b"abcd"))).complete
        async with blobs.walk_here(UPLOADS) as here:
            assert [(each.key, each.complete) async for each in here] == [(in_flight, False)]
        async with blobs.walk(UPLOADS) as everywhere:
            assert {each.key async for each in everywhere} == {complete, in_flight}
