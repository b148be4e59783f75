"""The step from a complete upload to its job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.jobs.wake_up import publish_wake_up
from gateway.uploads.metadata import aggregation_of
from shared.errors import BlobNotFound, StorageUnavailable
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.events import GatewayEvents
    from gateway.keys import GatewayPorts
    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.jobs.job import Job


@dataclass(frozen=True, slots=True)
class JobStart:
    """Has no state: whoever repeats it gets the job that there is."""

    ports: GatewayPorts
    events: GatewayEvents
    max_attempts: int

    async def of(self, upload_id: UUID, blob: BlobInfo, filename: str) -> Job:
        """The job of a complete upload: made and announced, or the one that it has already.

        The row is made before the message is sent. If the upload was cancelled at the same time,
        so is the job.
        """
        if blob.size is None:
            raise ValueError(f"upload {upload_id} is not complete: it has no size")
        now = time.time()
        job = await self.ports.jobs.create(
            upload_id=upload_id,
            input_key=blob.key,
            input_size=blob.size,
            filename=filename,
            aggregation=aggregation_of(blob.metadata),
            max_attempts=self.max_attempts,
            now=now,
        )
        if job.created_at == now:
            self.events.job_created(job)
        if job.published_at is None and job.state is JobState.PENDING:
            if await self._was_removed(blob.key):
                # Whoever removed it may have looked for a job before there was one.
                return await self._cancel(job)
            await publish_wake_up(self.ports, job, self.events)
        return job

    async def _cancel(self, job: Job) -> Job:
        now = time.time()
        job = await self.ports.jobs.cancel(job.id, now=now)
        if job.finished_at == now:
            self.events.job_cancelled(job)
        return job

    async def _was_removed(self, key: BlobKey) -> bool:
        try:
            return not (await self.ports.blobs.info(key)).complete
        except BlobNotFound:
            return True
        except StorageUnavailable:
            return False  # as far as is known; an attempt would find out
