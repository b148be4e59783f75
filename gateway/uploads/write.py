"""Writes chunks: bytes at an offset, in any order and in parallel, each whole or not at all."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.uploads.early_failure import EarlyFailure
from gateway.uploads.form_check import FormCheck
from gateway.uploads.place import Place
from gateway.uploads.size import Allowance, check_size, within_limit
from gateway.uploads.upload import Upload
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    InputRemoved,
    InvalidInput,
    UploadNotFound,
)
from shared.telemetry.ids import bind_ids
from shared.uploads.metadata import AGGREGATION, aggregation_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from gateway.uploads.header_check import HeaderWatch
    from shared.blobs.blob import BlobInfo, Declaration
    from shared.blobs.socket_part import Piece

TOLERATED = 64 << 20
"""Bytes of a chunk that are stored though the file does not fit its spec."""


async def write_declared(
    context: UploadContext,
    upload_id: UUID,
    offset: int,
    data: AsyncGenerator[Piece, None],
    declaration: Declaration,
) -> Upload:
    """Write a chunk of the upload that it declares itself, which is created if it does not exist.

    All or nothing, as `Blobs.write`, whose errors this raises; closes `data`. Also raises
    BlobConflict for another size than before, InvalidInput for another spec, UploadTooLarge, and
    SpecMismatch if the file does not fit its spec.
    """

    def check(upload: Upload) -> None:
        if not _same_spec(upload.blob.metadata, declaration.metadata):
            raise InvalidInput(
                "the upload was created with another spec, or with none; "
                "send the same spec with every chunk, or create another upload",
                field="spec",
            )

    async with aclosing(data):
        check_size(context.settings, declaration.size or 0, field="dztotalfilesize")
        watch = context.watch(offset, tolerated=TOLERATED)
        declaration = replace(declaration, metadata=context.declared(declaration.metadata))
        return await _write(context, upload_id, offset, data, watch, check, declaration)


async def write_chunk(
    context: UploadContext,
    name: str,
    offset: int,
    data: AsyncGenerator[Piece, None],
    *,
    length: int | None,
) -> Upload:
    """Write a chunk of the upload with this id or client-given name; closes `data`.

    `length` is the number of bytes of `data` if it is known. Raises as `write_declared`, but
    UploadNotFound, InputRemoved if the upload became a job whose bytes are not kept, and
    UnsupportedMedia if the file is a form.
    """
    end = offset + (length or 0)

    def check(upload: Upload) -> None:
        _check_end(end, upload.blob.size)

    async with aclosing(data):
        for upload_id in context.ids_of(name):
            watch = context.watch(offset, tolerated=TOLERATED)
            try:
                return await _write(context, upload_id, offset, data, watch, check)
            except BlobNotFound as error:
                job = await context.job_of(upload_id)
                if job is not None:
                    _check_end(end, job.input_size)
                    raise InputRemoved(
                        f"the upload became job {job.id}, and its bytes were removed"
                    ) from error
                if watch.admitted:
                    raise UploadNotFound(
                        f"upload {upload_id} was removed in the meantime"
                    ) from error
    raise UploadNotFound(f"There is no upload {name!r}")


async def _write(
    context: UploadContext,
    upload_id: UUID,
    offset: int,
    data: AsyncGenerator[Piece, None],
    watch: HeaderWatch,
    check: Callable[[Upload], None],
    declaration: Declaration | None = None,
) -> Upload:
    """Write `data` with one request to storage; `check` is called before a byte is read.

    An upload that declares itself is sent in a form already, whose file is taken as it is.
    """
    bind_ids(upload_id=upload_id)

    early = EarlyFailure(context.ports.jobs.head_starts)
    place = Place(context, upload_id, declaration)
    allowance = Allowance(context)
    form = FormCheck(context.ports.blobs, offset) if declaration is None else None

    async def admit(blob: BlobInfo) -> None:
        upload = Upload(upload_id, blob)
        check(upload)
        await place.admit(blob)
        await allowance.admit(upload)
        await watch.admit(upload)
        await early.admit(upload)
        if form is not None:
            await form.admit(upload)

    data = within_limit(context.settings, offset, data)
    data = data if form is None else form.pieces(data)
    data = early.pieces(allowance.pieces(offset, data))
    async with aclosing(watch.pieces(data)) as pieces:
        blob = await context.ports.blobs.write(
            context.key(upload_id), offset, pieces, declaration=declaration, admit=admit
        )
    await place.keep(blob)
    await allowance.settle(blob, upload_id)
    upload = Upload(upload_id, blob)
    if form is not None:
        await form.check(context, upload)
    await watch.check(upload)
    context.events.chunk_stored(watch.passed, context.tenant)
    return upload


def _same_spec(known: Mapping[str, str], declared: Mapping[str, str]) -> bool:
    # The texts are equal unless another version of csvmill has encoded one of them.
    return known.get(AGGREGATION) == declared.get(AGGREGATION) or (
        aggregation_of(known) == aggregation_of(declared)
    )


def _check_end(end: int, size: int | None) -> None:
    if size is not None and end > size:
        raise ChunkOutOfBounds(f"a chunk up to {end} reaches beyond the upload's {size} bytes")
