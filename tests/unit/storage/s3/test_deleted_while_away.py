"""An upload is deleted while its storage server is away, with what that one does meanwhile."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import UPLOADS, upload_key
from shared.errors import BlobNotFound, StorageUnavailable
from storage.s3.bucket import Bucket
from storage.s3.client import ObjectGone
from storage.s3.documents import Inflight
from storage.s3.names import Names
from tests.blob_backends import BUCKET, s3_blobs, s3_settings, stream
from tests.replicas import Replicas
from tests.services import until

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports import Blobs

KEY = upload_key(UUID(int=7))
PART = 5 << 20
CONTENT = random.Random(7).randbytes(4 * PART)
SOON = 0.5
WAIT = 60


async def test_what_was_deleted_stays_deleted_when_its_server_is_back(tmp_path: Path) -> None:
    keep = partial(s3_blobs, shared=tmp_path, blobs_part_size=PART)
    settings = s3_settings(tmp_path)
    assert settings.blobs is not None
    names = Names(f"{settings.blobs.removeprefix(f's3://{BUCKET}/')}/")
    async with (
        Replicas(tmp_path, keep=keep) as servers,
        servers.process(lost_after=SOON) as blobs,
        Bucket(BUCKET, settings) as bucket,
    ):

        async def upload_id() -> str | None:
            """Return the multipart upload of the upload, if it is described."""
            try:
                return Inflight.decode(await bucket.get(names.inflight(KEY))).upload_id
            except ObjectGone:
                return None

        async def is_described() -> bool:
            return await upload_id() is not None

        await blobs.create(KEY, len(CONTENT))
        await blobs.write(KEY, 0, stream(CONTENT[: PART + 1]))
        await until(is_described, WAIT)
        before = await upload_id()
        away = await servers.holder(KEY)
        await servers.stop(away)  # it cannot be reached, and still runs

        async def is_deleted() -> bool:
            try:
                await blobs.delete(KEY)
            except StorageUnavailable:
                return False
            return True

        await until(is_deleted, WAIT)
        assert not await is_described()
        # Bytes that had reached it: it finds that its parts are gone, and sends them again.
        await servers.kept[away].write(KEY, PART + 1, stream(CONTENT[PART + 1 : 3 * PART]))
        await until(is_described, WAIT)
        assert await upload_id() != before

        await servers.start(away)

        async def is_gone() -> bool:
            async with blobs.walk(UPLOADS) as found:
                assert [each.key async for each in found] == []
            return not await has(servers.kept[away])

        await until(is_gone, WAIT)
        assert not await is_described()
        assert [each async for each in bucket.unfinished(names.data)] == []


async def has(kept: Blobs) -> bool:
    try:
        await kept.peek(KEY)
    except BlobNotFound:
        return False
    return True
