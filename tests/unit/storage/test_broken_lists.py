"""A list of blobs that storage cannot finish."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import UPLOADS, BlobActivity, upload_key
from shared.blobs.client import HttpBlobs
from shared.errors import ObjectStorageUnavailable, StorageUnavailable
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class BreakingOff(FilesystemBlobs):
    """Lists one blob, and then finds that object storage is away."""

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port."""

        async def found() -> AsyncIterator[BlobActivity]:
            yield BlobActivity(upload_key(UUID(int=1)), 0.0, complete=False)
            raise ObjectStorageUnavailable("object storage does not answer")

        yield found()


async def walked(blobs: HttpBlobs) -> list[BlobActivity]:
    async with blobs.walk(UPLOADS) as found:
        return [activity async for activity in found]


async def test_a_list_that_breaks_off_is_never_taken_for_a_whole_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        BreakingOff(tmp_path, fsync=False) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        with pytest.raises(StorageUnavailable):
            await walked(blobs)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert "GET /blobs: aborted: object storage does not answer" in caplog.text
