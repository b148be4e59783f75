"""Appends to uploads: what arrives stays, and the next request continues from there.

An append takes the upload's lease, which ends the append before it. So a client whose connection
hangs can continue at once, on any gateway.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from gateway.uploads.complete import with_its_own_job, with_job
from gateway.uploads.early_failure import EarlyFailure
from gateway.uploads.form_check import FormCheck
from gateway.uploads.size import Allowance, check_size, within_limit
from gateway.uploads.upload import Upload
from gateway.uploads.write import TOLERATED
from shared.errors import (
    BlobNotFound,
    InconsistentLength,
    OffsetConflict,
    UploadGone,
    UploadNotFound,
)
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from gateway.uploads.header_check import HeaderWatch
    from shared.blobs.blob import BlobInfo
    from shared.blobs.socket_part import Piece

    Admit = Callable[[Upload], Awaitable[Upload]]


async def lease_append(context: UploadContext, name: str | UUID) -> Upload:
    """Return an upload by id or client-given name; aborts any append in progress.

    What the append had received is kept. Raises UploadNotFound, and UploadGone if the upload
    became a job whose bytes are not kept.
    """
    for upload_id in context.ids_of(name):
        try:
            lease = await context.ports.blobs.lease_append(context.key(upload_id))
        except BlobNotFound:
            await _check_not_gone(context, upload_id)
        else:
            return Upload(upload_id, lease.blob)
    raise UploadNotFound(f"There is no upload {str(name)!r}")


async def append(
    context: UploadContext,
    name: str | UUID,
    offset: int,
    data: AsyncGenerator[Piece, None],
    *,
    whole: bool = False,
    last: bool = False,
    admit: Admit | None = None,
) -> Upload:
    """Append `data` at `offset` and close it; return the upload, with its job if it is complete.

    What has arrived is kept, however `data` ends; with `whole`, all of it or nothing. With `last`
    the file ends where `data` does, which completes it. `admit` is awaited with the upload before
    a byte is read, and returns it, changed or not; what it raises refuses the append.

    Raises as `lease_append`, as `Blobs.append` and as `Blobs.declare_size`; UploadTooLarge;
    SpecMismatch if the file does not fit its spec, after what shows it was kept; UnsupportedMedia
    if it is a form, of which nothing is kept; as `with_its_own_job`; and with `last`
    InconsistentLength if the file was declared to end elsewhere.
    """
    async with aclosing(data):
        for upload_id in context.ids_of(name):
            tolerated = TOLERATED if whole else 0
            watch = context.watch(offset, tolerated=tolerated)
            try:
                blob = await _append(context, upload_id, offset, data, watch, whole, admit)
            except BlobNotFound as error:
                if watch.admitted:
                    raise UploadNotFound(
                        f"upload {upload_id} was removed in the meantime"
                    ) from error
                await _check_not_gone(context, upload_id)
                continue
            end = offset + watch.passed
            if last and blob.size is None:
                blob = await _declare_size(context, upload_id, blob, end)
            if last and blob.size != end:
                raise InconsistentLength(f"the upload has {blob.size} bytes, but ends at {end}")
            return with_its_own_job(await with_job(context, upload_id, blob, marked=last))
    raise UploadNotFound(f"There is no upload {str(name)!r}")


def check_offset(upload: Upload, offset: int) -> None:
    """Raise OffsetConflict if the next byte of the upload does not belong at `offset`."""
    if offset != upload.blob.prefix:
        raise OffsetConflict(
            f"the offset of the upload is {upload.blob.prefix}, not {offset}",
            expected=upload.blob.prefix,
            provided=offset,
        )


async def declare_length(context: UploadContext, upload: Upload, length: int) -> Upload:
    """Declare the size of an upload while an append is admitted.

    Raises as `Blobs.declare_size` and `Quotas.reserve`, and UploadTooLarge.
    """
    check_size(context.settings, length, field="Upload-Length")
    await context.quotas.reserve(context.tenant, upload.id, length)
    return Upload(upload.id, await context.ports.blobs.declare_size(upload.blob.key, length))


async def _append(
    context: UploadContext,
    upload_id: UUID,
    offset: int,
    data: AsyncGenerator[Piece, None],
    watch: HeaderWatch,
    whole: bool,
    admit: Admit | None,
) -> BlobInfo:
    """Append `data` with one request to storage."""
    bind_ids(upload_id=upload_id)
    early = EarlyFailure(context.ports.jobs.head_starts)
    allowance = Allowance(context)
    form = FormCheck(context.ports.blobs, offset)

    async def admit_blob(blob: BlobInfo) -> None:
        upload = Upload(upload_id, blob)
        upload = upload if admit is None else await admit(upload)
        await watch.admit(upload)
        await early.admit(upload)
        await allowance.admit(upload)
        await form.admit(upload)

    data = form.pieces(within_limit(context.settings, offset, data))
    data = early.pieces(allowance.pieces(offset, data))
    async with aclosing(watch.pieces(data)) as pieces:
        blob = await context.ports.blobs.append(
            context.key(upload_id), offset, pieces, whole=whole, admit=admit_blob
        )
    await allowance.settle(blob, upload_id)
    await form.check(context, Upload(upload_id, blob))
    await watch.check(Upload(upload_id, blob))
    context.events.chunk_stored(watch.passed, context.tenant)
    return blob


async def _declare_size(
    context: UploadContext, upload_id: UUID, blob: BlobInfo, size: int
) -> BlobInfo:
    try:
        return await context.ports.blobs.declare_size(blob.key, size)
    except BlobNotFound as error:
        raise UploadNotFound(f"upload {upload_id} was removed in the meantime") from error


async def _check_not_gone(context: UploadContext, upload_id: UUID) -> None:
    job = await context.job_of(upload_id)
    if job is not None:
        raise UploadGone(f"the upload became job {job.id}, and its bytes were removed")
