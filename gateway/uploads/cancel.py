"""Cancels uploads, and the jobs that they became."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.jobs.control import cancel_job
from shared.errors import BlobNotFound, JobFinished, UploadGone, UploadNotFound
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from shared.jobs.job import Job


async def cancel_upload(context: UploadContext, name: str) -> Job | None:
    """Remove the upload with this id or client-given name; cancel its job.

    Returns the job, or None if it had none. Raises UploadNotFound, and JobFinished as
    `cancel_job`.
    """
    for upload_id in context.ids_of(name):
        with suppress(UploadNotFound):
            return await _cancel(context, upload_id)
    raise UploadNotFound(f"There is no upload {name!r}")


async def remove_upload(context: UploadContext, upload_id: UUID) -> None:
    """Cancel an upload as `cancel_upload`; if its job has ended, remove the received bytes.

    The job keeps its state and its result; a failed job can no longer be retried. Raises
    UploadNotFound, and UploadGone if the bytes had been removed before.
    """
    blobs, key = context.ports.blobs, context.key(upload_id)
    try:
        await blobs.info(key)
        existed = True
    except BlobNotFound:
        existed = False
    while True:
        try:
            await _cancel(context, upload_id)
            break
        except JobFinished:
            if await _needs_no_input(context, upload_id):
                datasets = context.ports.jobs.datasets
                await datasets.remove(upload_id, unless_needed=False, now=time.time())
                await blobs.delete(key)
                if existed:
                    context.events.input_deleted(upload_id)
                break
            # The job was retried in the meantime: it can be cancelled again.
    if not existed:
        raise UploadGone(f"upload {upload_id} became a job, and its bytes were removed")


async def _cancel(context: UploadContext, upload_id: UUID) -> Job | None:
    await context.ports.jobs.datasets.check_unread(upload_id)
    job = await context.job_of(upload_id)
    if job is None:
        blobs, key = context.ports.blobs, context.key(upload_id)
        try:
            await blobs.lease_append(key)  # aborts an append in progress at once
        except BlobNotFound:
            raise UploadNotFound(f"There is no upload {upload_id}") from None
        await context.ports.jobs.datasets.remove(upload_id, unless_needed=False, now=time.time())
        await blobs.delete(key)
        await context.quotas.release(upload_id)
        # The last chunk may have created a job in the meantime. A job created after this look
        # finds that its input is gone: see `start_job`.
        job = await context.job_of(upload_id)
    if job is None:
        context.events.upload_cancelled(upload_id)
        return None
    return await cancel_job(context.ports, context.events, job.id, context.tenant, with_upload=True)


async def _needs_no_input(context: UploadContext, upload_id: UUID) -> bool:
    """Whether the job of an upload will never read its input again."""
    job = await context.job_of(upload_id)
    if job is not None and job.state is JobState.FAILURE:
        job = await context.ports.jobs.expire_failed(job.id, now=time.time())
    return job is None or job.state.terminal
