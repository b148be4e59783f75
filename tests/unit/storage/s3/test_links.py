"""Presigned URLs of blobs, by storage in one process, and by several servers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from shared.blobs.blob import result_key, upload_key
from shared.ports.linking import LinksBlobs
from tests.blob_backends import s3_blobs, stream
from tests.replicas import s3_replicas

if TYPE_CHECKING:
    from pathlib import Path

    from tests.blob_backends import OpenBlobs

COMPLETE = result_key(UUID(int=1), 1)
IN_FLIGHT = upload_key(UUID(int=2))
ABSENT = upload_key(UUID(int=3))
FIELDS = {"content_type": "text/csv", "disposition": 'attachment; filename="a.csv"'}


@pytest.mark.parametrize("open_blobs", [s3_blobs, s3_replicas])
async def test_a_complete_blob_has_a_url_and_no_other_has(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    async with open_blobs(tmp_path) as blobs:
        assert isinstance(blobs, LinksBlobs)
        await blobs.create(COMPLETE, 5)
        await blobs.write(COMPLETE, 0, stream(b"bytes"))
        await blobs.create(IN_FLIGHT, 5)
        await blobs.write(IN_FLIGHT, 0, stream(b"byte"))

        url = await blobs.link(COMPLETE, 60, **FIELDS)
        assert url is not None
        async with aiohttp.ClientSession() as session, session.get(URL(url, encoded=True)) as there:
            assert (there.status, await there.read()) == (200, b"bytes")
        for key in (IN_FLIGHT, ABSENT):
            assert await blobs.link(key, 60, **FIELDS) is None
        await blobs.delete(COMPLETE)
        assert await blobs.link(COMPLETE, 60, **FIELDS) is None
