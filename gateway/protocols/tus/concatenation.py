"""Concatenation in the tus protocol: an upload made of others, which were sent in parallel."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.uploads.complete import with_job
from gateway.uploads.find import look_up
from gateway.uploads.form_check import refuse_assembled
from gateway.uploads.size import check_size
from gateway.uploads.upload import Upload, upload_id_of
from shared.errors import BlobIncomplete, BlobNotFound, CsvmillError, InvalidInput, UploadNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.uploads.context import UploadContext
    from gateway.uploads.create import NewUpload
    from shared.blobs.blob import BlobInfo

logger = logging.getLogger(__name__)

_FINALS = UUID("c2f8f0a6-3b0b-4f0a-8c53-6d0b5a9b1e07")


async def concatenate(context: UploadContext, parts: Sequence[UUID], final: NewUpload) -> Upload:
    """Return the upload that consists of `parts`, one after the other, with its job.

    The same parts give the same upload, so the request can be repeated if its response was lost.
    The parts are removed once there is a job. Raises InvalidInput for a part that is incomplete or
    not partial, UploadNotFound, and UnsupportedMedia if the whole is a form.
    """
    upload_id = upload_id_of(" ".join(map(str, parts)), context.tenant, namespace=_FINALS)
    known = await look_up(context, upload_id)
    if known is not None:
        return known
    try:
        whole = await _assemble(context, upload_id, parts, final)
    except (UploadNotFound, InvalidInput):
        # The same request, at the same time, may have concatenated the parts and removed them.
        known = await look_up(context, upload_id)
        if known is None:
            raise
        return known
    upload = await with_job(context, upload_id, whole)
    for part in set(parts):
        try:
            await context.ports.blobs.delete(context.key(part))
            await context.quotas.release(part)
        except CsvmillError as error:
            logger.warning(
                "Upload %s: its part %s is left to the sweeper: %s", upload_id, part, error
            )
    return upload


async def _assemble(
    context: UploadContext, upload_id: UUID, parts: Sequence[UUID], final: NewUpload
) -> BlobInfo:
    """Return the blob of all parts. Raises as `concatenate`."""
    blobs = context.ports.blobs
    total, uploads = 0, []
    for part in parts:
        try:
            blob = await blobs.info(context.key(part))
        except BlobNotFound:
            raise UploadNotFound(f"There is no upload {str(part)!r}") from None
        uploads.append(Upload(part, blob))
        if not uploads[-1].is_part:
            raise InvalidInput(f"upload {part} is not partial", field="Upload-Concat")
        if not blob.complete:
            raise InvalidInput(
                f"upload {part} is incomplete; send the rest of it first", field="Upload-Concat"
            )
        total += blob.size or 0
    check_size(context.settings, total, field="Upload-Concat")
    await context.quotas.check(context.tenant, total)
    try:
        await refuse_assembled(blobs, uploads)
        return await blobs.assemble(
            context.key(upload_id),
            [context.key(part) for part in parts],
            metadata=context.declared(final.metadata),
        )
    except (BlobIncomplete, BlobNotFound) as error:
        raise InvalidInput(
            f"a part was removed in the meantime: {error}", field="Upload-Concat"
        ) from error
