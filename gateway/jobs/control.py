"""The use cases of operators: cancel a job or an upload, put a failed job back."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.uploads.upload import candidate_ids
from shared.blobs.blob import upload_key
from shared.errors import (
    BlobNotFound,
    CsvmillError,
    InputRemoved,
    JobFinished,
    JobNotFailed,
    UploadGone,
    UploadNotFound,
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

    async def cancel_upload(self, name: str) -> Job | None:
        """Remove an upload in flight, by its id or the client's name for it; cancel its job.

        The job, if it has one. Raises UploadNotFound, and JobFinished as `cancel` does.
        """
        for upload_id in candidate_ids(name):
            with suppress(UploadNotFound):
                return await self._cancel_upload(upload_id)
        raise UploadNotFound(f"There is no upload {name!r}")

    async def remove_upload(self, upload_id: UUID) -> None:
        """As `cancel_upload`, but what was received goes away too if its job has ended.

        The job stays what it is, and so does its result; one that has failed cannot be retried any
        more. Raises UploadNotFound, and UploadGone if nothing of it was there any more.
        """
        key = upload_key(upload_id)
        there = await self._is_there(key)
        while True:
            try:
                await self._cancel_upload(upload_id)
                break
            except JobFinished:
                if await self._let_go_of_input(upload_id):
                    await self.ports.blobs.delete(key)
                    break
                # Somebody has retried it just now: it can be cancelled again.
        if not there:
            raise UploadGone(f"upload {upload_id} became a job, and is not kept any longer")

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

    async def _cancel_upload(self, upload_id: UUID) -> Job | None:
        """The job that was cancelled, if there was one. Raises UploadNotFound, JobFinished."""
        job = await self.ports.jobs.of_upload(upload_id)
        if job is None:
            try:
                # Whoever sends it, or hangs, is told so at once.
                await self.ports.blobs.lease_append(upload_key(upload_id))
            except BlobNotFound:
                raise UploadNotFound(f"There is no upload {upload_id}") from None
            await self.ports.blobs.delete(upload_key(upload_id))
            # Its last chunk may have made it a job meanwhile. A job made after this look finds
            # by itself that its input is gone: see `start_job`.
            job = await self.ports.jobs.of_upload(upload_id)
        if job is None:
            self.events.upload_cancelled(upload_id)
            return None
        return await self.cancel(job.id)

    async def _let_go_of_input(self, upload_id: UUID) -> bool:
        """Whether nothing will read the input any more of the job that the upload has become."""
        job = await self.ports.jobs.of_upload(upload_id)
        if job is not None and job.state is JobState.FAILURE:
            job = await self.ports.jobs.expire_failed(job.id, now=time.time())
        return job is None or job.state.terminal

    async def _is_there(self, key: BlobKey) -> bool:
        try:
            await self.ports.blobs.info(key)
        except BlobNotFound:
            return False
        return True

    async def _is_whole(self, key: BlobKey) -> bool:
        try:
            return (await self.ports.blobs.info(key)).complete
        except BlobNotFound:
            return False
