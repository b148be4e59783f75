"""Makes a job of an upload that is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.uploads.upload import Upload
from shared.errors import DatabaseUnavailable, InputRemoved, JobDelayed
from shared.jobs.job import JobState
from shared.uploads.record import record
from shared.uploads.start_job import start_job

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from shared.blobs.blob import BlobInfo


async def with_job(
    context: UploadContext,
    upload_id: UUID,
    blob: BlobInfo,
    *,
    marked: bool = False,
    filename: str | None = None,
) -> Upload:
    """Return the upload with its job, which is created if the upload is complete and has none.

    A part never has a job, nor has an upload that `becomes_no_job`, which is recorded. An upload
    that `awaits_mark` gets one only if `marked`: its client has just declared it complete.
    `filename` is the upload's own unless given. Raises JobDelayed.
    """
    upload = Upload(upload_id, blob)
    if not blob.complete or upload.is_part:
        return upload
    if upload.awaits_mark and not marked:
        return replace(upload, job=await context.job_of(upload_id))
    if upload.becomes_no_job:
        try:
            if await record(
                context.ports.jobs.datasets, upload_id, blob, filename or upload.filename
            ):
                context.events.upload_recorded(upload_id, blob.size or 0)
        except DatabaseUnavailable as error:
            raise JobDelayed(
                f"{error}; all bytes are stored, and are recorded by themselves: do not send the "
                f"file under another name, get upload {upload_id}",
                upload_id,
            ) from error
        return upload
    try:
        job = await start_job(
            context.ports,
            context.events,
            upload_id,
            blob,
            filename or upload.filename,
            max_attempts=context.settings.max_attempts,
        )
    except DatabaseUnavailable as error:
        raise JobDelayed(
            f"{error}; all bytes are stored, and become a job by themselves: do not send the file "
            f"under another name, get upload {upload_id}",
            upload_id,
        ) from error
    return replace(upload, job=job)


def with_its_own_job(upload: Upload) -> Upload:
    """Return an upload of which bytes were sent just now.

    Raises InputRemoved if its job is that of other bytes: of a file under the same name that was
    removed before this one was sent. A cancelled job has computed nothing; the upload keeps it.
    """
    job = upload.job
    if (
        job is not None
        and job.state is not JobState.REVOKED
        and upload.blob.version
        and job.inputs[0].version not in (None, upload.blob.version)
    ):
        raise InputRemoved(
            f"job {job.id} was already created from this upload and its bytes were removed; the "
            "new bytes are not processed: send them under another name"
        )
    return upload
