"""Finds uploads by id, or by the client's name for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.uploads.complete import with_job
from gateway.uploads.upload import upload_of_job
from shared.errors import BlobNotFound, UploadNotFound

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload


async def find_upload(context: UploadContext, name: str) -> Upload:
    """Return the upload with this id or client-given name.

    If it is complete, it has its job afterwards, even if the request that completed it failed.
    Raises UploadNotFound.
    """
    for upload_id in context.ids_of(name):
        upload = await look_up(context, upload_id)
        if upload is not None:
            return upload
    raise UploadNotFound(f"There is no upload {name!r}")


async def with_head_start(context: UploadContext, upload: Upload) -> Upload:
    """Return the upload with its head start, if it is incomplete and was offered."""
    if not context.offers.applies_to(upload):
        return upload
    head_start = await context.ports.jobs.head_starts.of_upload(upload.id)
    return replace(upload, head_start=head_start)


async def look_up(context: UploadContext, upload_id: UUID) -> Upload | None:
    """Return the upload with this id, as `find_upload`; None if there is none."""
    try:
        blob = await context.ports.blobs.info(context.key(upload_id))
    except BlobNotFound:
        job = await context.job_of(upload_id)
        return None if job is None else upload_of_job(job)
    return await with_job(context, upload_id, blob)
