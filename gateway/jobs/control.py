"""The use cases of operators: cancel a job, put a failed job back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import (
    BlobNotFound,
    CsvmillError,
    InputRemoved,
    JobFinished,
    JobNotFailed,
)
from shared.jobs.job import JobState
from shared.uploads.start_job import try_publish_wake_up

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.events import GatewayEvents
    from gateway.keys import GatewayPorts
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job


@dataclass(frozen=True, slots=True)
class JobControl:
    """Has no state: what dies half-way is finished by whoever repeats it, or by the sweeper."""

    ports: GatewayPorts
    events: GatewayEvents

    async def cancel(self, job_id: UUID) -> Job:
        """Revoke a job and remove its input; the job as it stands then. Repeating is harmless.

        A worker that runs it finds out with its next heartbeat. Raises JobNotFound, and
        JobFinished if it has succeeded or failed.
        """
        now = time.time()
        job = await self.ports.jobs.cancel(job_id, now=now)
        if job.finished_at == now:
            self.events.job_cancelled(job)
        if job.state is not JobState.REVOKED:
            raise JobFinished(f"job {job.id} is {job.state} already; it cannot be cancelled")
        # Only now that no attempt can begin or count any more. An attempt that runs keeps what it
        # has open, or fails, which changes nothing.
        try:
            await self.ports.blobs.delete(job.input_key)
        except CsvmillError as error:
            self.events.input_left(job, error)
        return job

    async def retry(self, job_id: UUID) -> Job:
        """Give a failed job all its attempts again, and wake a processor up for it.

        Raises JobNotFound, JobNotFailed, and InputRemoved if there is nothing to read any more.
        """
        job = await self.ports.jobs.get(job_id)
        if job.state is not JobState.FAILURE:
            raise JobNotFailed(f"job {job_id} is {job.state}, not FAILURE; it cannot be retried")
        removed = InputRemoved(f"the input of job {job_id} was removed; upload the file again")
        if not await self._is_whole(job.input_key):
            raise removed
        retried = await self.ports.jobs.retry(job_id)
        if retried is None:
            job = await self.ports.jobs.get(job_id)
            if job.expired_at is not None:
                raise removed
            raise JobNotFailed(f"job {job_id} is {job.state}; somebody else has retried it")
        self.events.job_retried(retried)
        await try_publish_wake_up(self.ports, self.events, retried)
        return await self.ports.jobs.get(job_id)

    async def _is_whole(self, key: BlobKey) -> bool:
        try:
            return (await self.ports.blobs.info(key)).complete
        except BlobNotFound:
            return False
