"""The use case of uploading: chunks go to storage, and the last missing byte makes a job."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from gateway.announcing import announce
from shared.blobs import upload_key
from shared.errors import BlobNotFound, StorageUnavailable, UploadTooLarge
from shared.jobs import SONG_PLAYS, JobState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from gateway.keys import Ports
    from gateway.settings import GatewaySettings
    from shared.blobs import BlobInfo, BlobKey
    from shared.jobs import Job

_NAMESPACE = UUID("5b7c1f0e-53c1-4d0c-9d7e-0f6a7f0c2f61")


def upload_id_of(dzuuid: str) -> UUID:
    """The upload that a client's own id means: the same on every gateway, and safe in a path."""
    return uuid5(_NAMESPACE, dzuuid)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes uploads in. Has no state: any gateway can take any chunk of any upload."""

    ports: Ports
    settings: GatewaySettings

    async def write(
        self,
        upload_id: UUID,
        size: int,
        offset: int,
        data: AsyncGenerator[bytes, None],
        metadata: Mapping[str, str],
    ) -> BlobInfo:
        """Store `data` at `offset` of an upload of `size` bytes; `data` is closed afterwards.

        All or nothing, as `Blobs.write`, whose errors this raises, besides BlobConflict for
        another size than before and UploadTooLarge.
        """
        async with aclosing(data):
            self.check_size(size)
            key = upload_key(upload_id)
            await self.ports.blobs.create(key, size, metadata=metadata)
            return await self.ports.blobs.write(key, offset, data)

    def check_size(self, size: int) -> None:
        """Raise UploadTooLarge if no upload of `size` bytes is taken."""
        if size > self.settings.max_upload_size:
            raise UploadTooLarge(
                f"{size} bytes are more than this service takes, "
                f"which is {self.settings.max_upload_size}",
                field="dztotalfilesize",
            )

    async def start_job(self, upload_id: UUID, blob: BlobInfo, filename: str) -> Job:
        """The job of a complete upload: made and announced, or the one that it has already.

        The row is made before the message is sent. If the upload was cancelled at the same time,
        so is the job.
        """
        job = await self.ports.jobs.create(
            upload_id=upload_id,
            input_key=blob.key,
            input_size=blob.size,
            filename=filename,
            aggregation=SONG_PLAYS,
            max_attempts=self.settings.max_attempts,
            now=time.time(),
        )
        if job.published_at is None and job.state is JobState.PENDING:
            if await self._was_removed(blob.key):
                # Whoever removed it may have looked for a job before there was one.
                return await self.ports.jobs.cancel(job.id, now=time.time())
            await announce(self.ports, job)
        return job

    async def _was_removed(self, key: BlobKey) -> bool:
        try:
            return not (await self.ports.blobs.info(key)).complete
        except BlobNotFound:
            return True
        except StorageUnavailable:
            return False  # as far as is known; an attempt would find out
