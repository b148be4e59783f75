"""Concatenation in the tus protocol: an upload made of others, which were sent in parallel."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from gateway.uploads.upload import Upload
from shared.blobs.blob import upload_key
from shared.errors import BlobIncomplete, BlobNotFound, CsvmillError, InvalidInput, UploadNotFound
from shared.uploads.metadata import CONCAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.uploads.uploads import Uploads
    from shared.blobs.blob import BlobInfo

logger = logging.getLogger(__name__)

_FINALS = UUID("c2f8f0a6-3b0b-4f0a-8c53-6d0b5a9b1e07")


async def concatenate(
    uploads: Uploads, parts: Sequence[UUID], concat: str, metadata: Mapping[str, str]
) -> Upload:
    """The upload that consists of `parts`, one after the other, and its job.

    The same parts are the same upload, so that the request can be repeated when its answer was
    lost; they are removed once there is a job. Raises InvalidInput for a part that is not whole or
    no part, UploadNotFound.
    """
    upload_id = uuid5(_FINALS, " ".join(map(str, parts)))
    known = await uploads.look_up(upload_id)
    if known is not None:
        return known
    try:
        whole = await _assembled(uploads, upload_id, parts, {**metadata, CONCAT: concat})
    except (UploadNotFound, InvalidInput):
        # The same request, at the same time, may have put them together, and removed them.
        known = await uploads.look_up(upload_id)
        if known is None:
            raise
        return known
    upload = await uploads.finished(upload_id, whole)
    for part in set(parts):
        try:
            await uploads.ports.blobs.delete(upload_key(part))
        except CsvmillError as error:
            logger.warning(
                "Upload %s: its part %s is left to the sweeper: %s", upload_id, part, error
            )
    return upload


async def _assembled(
    uploads: Uploads, upload_id: UUID, parts: Sequence[UUID], metadata: Mapping[str, str]
) -> BlobInfo:
    """The blob of all parts. Raises as `concatenate` does."""
    blobs = uploads.ports.blobs
    total = 0
    for part in parts:
        try:
            blob = await blobs.info(upload_key(part))
        except BlobNotFound:
            raise UploadNotFound(f"There is no upload {str(part)!r}") from None
        if not Upload(part, blob).is_part:
            raise InvalidInput(f"upload {part} is not partial", field="Upload-Concat")
        if not blob.complete:
            raise _incomplete(part)
        total += blob.size or 0
    uploads.check_size(total, field="Upload-Concat")
    try:
        return await blobs.assemble(
            upload_key(upload_id), [upload_key(part) for part in parts], metadata=metadata
        )
    except (BlobIncomplete, BlobNotFound) as error:
        raise InvalidInput(f"a part has gone meanwhile: {error}", field="Upload-Concat") from error


def _incomplete(part: UUID) -> InvalidInput:
    return InvalidInput(
        f"upload {part} is not whole yet; send the rest of it first", field="Upload-Concat"
    )
