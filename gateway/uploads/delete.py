"""Deletes jobs that have ended, with all their bytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.jobs.control import cancel_job
from gateway.uploads.cancel import cancel_upload
from shared.blobs.blob import preview_key, rejects_key, result_key
from shared.errors import JobFinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job


async def cancel_or_delete_job(context: UploadContext, job_id: UUID) -> Job | None:
    """Cancel a job and return it; delete one that has succeeded or failed, and return None.

    Raises JobNotFound, and if bytes could not be deleted the errors of `Blobs.delete`: repeating
    the request deletes them.
    """
    while True:
        try:
            return await cancel_job(context.ports, context.events, job_id, context.tenant)
        except JobFinished:
            if await _delete(context, job_id):
                return None
            # The job was retried in the meantime: it can be cancelled again.


async def cancel_or_delete_upload(context: UploadContext, name: str) -> None:
    """Remove the upload with this id or client-given name, and cancel or delete its job.

    Raises UploadNotFound, and as `cancel_or_delete_job`.
    """
    while True:
        try:
            await cancel_upload(context, name)
            return
        except JobFinished:
            for upload_id in context.ids_of(name):
                job = await context.job_of(upload_id)
                if job is None:
                    continue
                await context.ports.jobs.datasets.check_unread(upload_id)
                if await _delete(context, job.id, with_upload=True):
                    return


async def _delete(context: UploadContext, job_id: UUID, *, with_upload: bool = False) -> bool:
    """Delete the bytes of a job that has ended; return whether it has.

    The upload that it was made of goes with it unless other jobs need it or it is kept; if it is
    to be deleted `with_upload`, also then.

    From the first statement on, nothing starts to read them. A download in progress keeps its open
    file, and gets every byte.
    """
    now, ports = time.time(), context.ports
    job = await ports.jobs.expire_ended(job_id, now=now)
    if not job.state.terminal:
        return False
    if job.upload_id is not None:
        datasets = ports.jobs.datasets
        if await datasets.remove(job.upload_id, unless_needed=not with_upload, now=now):
            await ports.blobs.delete(job.inputs[0].key)
        await context.quotas.release(job.upload_id)
    for key in _outputs(job):
        await ports.blobs.delete(key)
    context.events.job_deleted(job)
    return True


def _outputs(job: Job) -> Iterator[BlobKey]:
    """Yield the keys of everything that a job may have stored."""
    for attempt in range(1, job.attempt + 1):
        yield rejects_key(job.id, attempt)
        yield preview_key(job.id, attempt)
        yield result_key(job.id, attempt)
