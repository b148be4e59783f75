"""Takes files that are sent again under a name whose upload has become a job."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.blobs.socket_part import size_of
from shared.errors import BlobNotFound, BytesDiffer, ChunkOutOfBounds, InputRemoved
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.blobs.socket_part import Piece


async def take_again(
    context: UploadContext,
    upload: Upload,
    data: AsyncGenerator[Piece, None],
    *,
    sha256: str | None,
    whole: bool = True,
) -> Upload:
    """Check that `data` is the file of an upload that has a job, and close it; store nothing.

    If the client declares the digest (`sha256`) that the upload was verified by, no byte is read.
    Otherwise all are compared with those that storage has, in memory that does not depend on the
    size. `data` is the beginning of the file unless it is `whole`.

    Raises BytesDiffer. Raises InputRemoved if the bytes are no longer kept: what the job has
    computed might be of another file. A cancelled job has computed nothing.
    """
    async with aclosing(data):
        if sha256 is not None and sha256 == upload.blob.sha256:
            return upload
        job = upload.job
        if job is not None and not upload.kept:
            if job.state is JobState.REVOKED:
                return upload
            raise InputRemoved(
                f"the upload became job {job.id}, and its bytes were removed, so that these cannot "
                "be compared with them; send them under another name"
            )
        sent = await _compare(context, upload, data)
    if whole and sent != upload.blob.size:
        raise BytesDiffer(f"the file ends after {sent} bytes; the upload has {upload.blob.size}")
    return upload


async def _compare(
    context: UploadContext, upload: Upload, data: AsyncGenerator[Piece, None]
) -> int:
    """Send `data` to storage, which has these bytes already, and return their number."""
    sent = 0

    async def counted() -> AsyncGenerator[Piece, None]:
        nonlocal sent
        async for piece in data:
            yield piece
            sent += size_of(piece)

    try:
        async with aclosing(counted()) as pieces:
            await context.ports.blobs.write(upload.blob.key, 0, pieces)
    except ChunkOutOfBounds as error:
        size = upload.blob.size
        raise BytesDiffer(f"the file has more than the upload's {size} bytes") from error
    except BlobNotFound as error:
        raise InputRemoved(f"the bytes of upload {upload.id} were removed meanwhile") from error
    return sent
