"""Sizes of uploads: the limit, and sizes that are declared after the creation."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from gateway.uploads.complete import with_job
from shared.blobs.socket_part import most_of, size_of
from shared.errors import (
    BlobConflict,
    BlobNotFound,
    ChunkOutOfBounds,
    QuotaExceeded,
    SizeConflict,
    TooManyUploads,
    UploadNotFound,
    UploadTooLarge,
)
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from gateway.settings import GatewaySettings
    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.blobs.blob import BlobInfo
    from shared.blobs.socket_part import Piece


def check_size(settings: GatewaySettings, size: int, *, field: str) -> None:
    """Raise UploadTooLarge, which names `field`, if `size` (bytes) is above the limit."""
    if size > settings.max_upload_size:
        raise UploadTooLarge(
            f"the upload has {size} bytes; the limit is {settings.max_upload_size}",
            field=field,
        )


async def within_limit(
    settings: GatewaySettings, offset: int, data: AsyncGenerator[Piece, None]
) -> AsyncGenerator[Piece, None]:
    """Yield `data`, which begins at `offset`, and close it.

    Raises UploadTooLarge before a byte beyond the limit is stored.
    """
    async with aclosing(data):
        async for piece in data:
            check_size(settings, offset + most_of(piece), field="size")
            yield piece
            offset += size_of(piece)


class Allowance:
    """Lets data through up to an offset that is known once an append is admitted.

    For uploads of unknown size: what they may still store is known only to their tenant's quota.
    """

    def __init__(self, context: UploadContext) -> None:
        self._context = context
        self._end: int | None = None
        self._limited = False

    async def admit(self, upload: Upload) -> None:
        """Read how much is left, if the size of the upload is not known."""
        if upload.blob.size is None:
            left = await self._context.quotas.left(self._context.tenant)
            if left is not None:
                # What was received before is part of its reservation.
                self._end = _received(upload.blob) + left
                self._limited = True

    async def settle(self, blob: BlobInfo, upload_id: UUID) -> None:
        """Count what an upload of unknown size has received."""
        if self._limited:
            with suppress(QuotaExceeded, TooManyUploads):  # it is stored already
                await self._context.quotas.reserve(self._context.tenant, upload_id, _received(blob))

    async def pieces(
        self, offset: int, data: AsyncGenerator[Piece, None]
    ) -> AsyncGenerator[Piece, None]:
        """Yield `data`, which begins at `offset`, and close it. Raises QuotaExceeded."""
        async with aclosing(data):
            async for piece in data:
                if self._end is not None and offset + most_of(piece) > self._end:
                    raise QuotaExceeded(
                        f"tenant {self._context.tenant} may store no more than {self._end} bytes "
                        "of this upload"
                    )
                yield piece
                offset += size_of(piece)


def _received(blob: BlobInfo) -> int:
    return sum(held.stop - held.start for held in blob.received)


async def declare_size(context: UploadContext, upload: Upload, size: int) -> Upload:
    """Declare the size of an upload that was created without one; return it with its job.

    Completes the upload if all bytes are there. Idempotent. Raises SizeConflict if the upload has
    another size or bytes beyond `size`, UploadNotFound, DigestMismatch, StorageFull.
    """
    bind_ids(upload_id=upload.id)
    if upload.blob.size is None:
        await context.quotas.reserve(context.tenant, upload.id, size)
    if not upload.kept and upload.blob.size == size:
        return upload
    try:
        blob = await context.ports.blobs.declare_size(upload.blob.key, size)
    except BlobNotFound:
        if upload.job is None:
            raise UploadNotFound(f"There is no upload {str(upload.id)!r}") from None
        raise SizeConflict(
            f"the upload became job {upload.job.id}, of {upload.blob.size} bytes"
        ) from None
    except (BlobConflict, ChunkOutOfBounds) as error:
        raise SizeConflict(f"upload {upload.id} cannot have {size} bytes: {error}") from error
    return await with_job(context, upload.id, blob, marked=True)
