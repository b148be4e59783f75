"""Resumable uploads for HTTP as the IETF drafts them, on the upload resource of `/api/v1`.

draft-ietf-httpbis-resumable-upload, interop version 8; the sections named here are those of -10.
A client says itself when its upload is complete (4.1.2): so one that was begun here becomes a job
with the request that says so, and not with its last byte.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.events import EVENTS
from gateway.http.digests import (
    CONTENT_DIGEST_ALGORITHMS,
    DeclaredDigests,
    declared_digests,
    file_digest,
    parse_content_digest,
    verify_digests,
)
from gateway.http.errors import FIELDS
from gateway.jobs.control import JobControl
from gateway.protocols.ietf.headers import UploadFields, is_complete, limits, standing
from gateway.protocols.ietf.interim import interim
from gateway.protocols.native.handlers import JOB_HEADER, shown
from gateway.protocols.native.requests import plain_body
from gateway.protocols.native.view import job_path, upload_path
from gateway.protocols.native.whole_file import declared
from gateway.uploads.append import Appends
from gateway.uploads.uploads import Uploads
from shared.errors import (
    BlobConflict,
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    DigestMismatch,
    InconsistentLength,
    InvalidInput,
    UploadCompleted,
)
from shared.http.trailers import declares_trailer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gateway.uploads.append import Sending
    from gateway.uploads.upload import Upload
    from shared.errors import CsvmillError


async def create(request: web.Request) -> web.Response:
    """Upload creation (4.2): of a whole file, or of its beginning."""
    fields = UploadFields.of(request.headers)
    body = plain_body(request)
    uploads = _uploads(request)
    request[FIELDS] = {"Upload-Limit": limits(uploads.settings)}
    length = fields.told_length(0, request.content_length)
    if length is not None:
        uploads.check_size(length, field="Upload-Length")
    # What one request brings as a whole is checked as a whole, so that it can break off and be
    # gone on with; what is only the beginning is kept if its own digest is right.
    of_whole = ("Repr-Digest", "Content-Digest") if fields.complete else ("Repr-Digest",)
    sha256 = file_digest(request.headers, *of_whole)
    late = declares_trailer(request, "Content-Digest")
    digests = DeclaredDigests() if fields.complete and not late else _digests_of_content(request)
    upload = await declared(request, uploads, length, sha256, awaits_mark=True)
    request[FIELDS]["Location"] = upload_path(upload)
    if upload.job is None:
        sending = await Appends(uploads).lease_append(upload.id)
        async with _whole_verified(request, uploads, sending):
            upload = await _receive(
                request,
                uploads,
                sending,
                0,
                verify_digests(body, digests),
                whole=bool(digests),
                last=bool(fields.complete),
                announce=True,
            )
    return _shown(upload, uploads)


async def show(request: web.Request) -> web.Response:
    """Offset retrieval (4.3). Whoever was sending the upload sends no more then (4.6)."""
    uploads = _uploads(request)
    sending = await Appends(uploads).take_over_named(request.match_info["upload"])
    upload = await uploads.finished(sending.upload.id, sending.upload.blob)
    response = _acknowledged(upload, uploads)
    response.headers["Cache-Control"] = "no-store"
    if upload.blob.size is not None:
        response.headers["Upload-Length"] = str(upload.blob.size)
    return response


async def append(request: web.Request) -> web.Response:
    """Upload append (4.4): what arrives stays, unless there is a Content-Digest."""
    fields = UploadFields.of(request.headers)
    if fields.offset is None or fields.complete is None:
        name = "Upload-Offset" if fields.offset is None else "Upload-Complete"
        given = request.headers.get(name)
        raise InvalidInput(f"{name} is {given!r}; an append has to tell it", field=name)
    if "Repr-Digest" in request.headers:
        raise InvalidInput(
            "Repr-Digest is taken when an upload is created; send Content-Digest with an append",
            field="Repr-Digest",
        )
    body = plain_body(request)
    digests = _digests_of_content(request)
    uploads = _uploads(request)
    sending = await Appends(uploads).take_over_named(request.match_info["upload"])
    upload = await uploads.finished(sending.upload.id, sending.upload.blob)
    request[FIELDS] = {**standing(upload, uploads.settings), **_job_field(upload)}
    if is_complete(upload):
        raise await _refusal_by_complete(body, upload)
    sending.check_offset(fields.offset)
    async with _whole_verified(request, uploads, sending):
        sending = await _with_length(request, uploads, sending, fields)
        # How it stands is not known while it changes; what bounds it is (4.1.4).
        request[FIELDS] = {"Upload-Limit": limits(uploads.settings)}
        upload = await _receive(
            request,
            uploads,
            sending,
            fields.offset,
            verify_digests(body, digests),
            whole=bool(digests),
            last=fields.complete,
        )
    return _shown(upload, uploads) if fields.complete else _acknowledged(upload, uploads)


async def _with_length(
    request: web.Request, uploads: Uploads, sending: Sending, fields: UploadFields
) -> Sending:
    """The turn, of an upload whose length is known if the request tells it."""
    told = fields.told_length(sending.offset, request.content_length)
    known = sending.upload.blob.size
    if known is None:
        if told is None:
            return sending
        try:
            return await Appends(uploads).declare_size(sending, told)
        except (BlobConflict, ChunkOutOfBounds) as error:
            raise InconsistentLength(f"the upload cannot have {told} bytes: {error}") from error
    end = sending.offset + (request.content_length or 0)
    if told not in (None, known) or end > known:
        raise InconsistentLength(
            f"the upload has {known} bytes, but the request tells of {max(told or 0, end)}"
        )
    return sending


async def _receive(
    request: web.Request,
    uploads: Uploads,
    sending: Sending,
    offset: int,
    data: AsyncGenerator[bytes, None],
    *,
    whole: bool,
    last: bool,
    announce: bool = False,
) -> Upload:
    """Take the content in; the upload as it stands then. `announce`: say at once where it is."""
    blob = sending.upload.blob
    with interim(request) as telling:
        if announce:
            place = request[FIELDS]
            telling.send(place)
        told = telling.progress(data, uploads.ports.blobs, blob.key)
        try:
            upload = await Appends(uploads).send(sending, offset, told, whole=whole, last=last)
        except ChunkOutOfBounds as error:
            if blob.size is not None:
                await _deactivate(uploads, sending)  # as 4.4.2 demands
            raise InconsistentLength(f"more was sent than the upload has: {error}") from error
    request.app[EVENTS].chunk_taken(request.content.total_bytes)
    return upload


def _digests_of_content(request: web.Request) -> DeclaredDigests:
    return declared_digests(
        request, "Content-Digest", parse_content_digest, CONTENT_DIGEST_ALGORITHMS
    )


@asynccontextmanager
async def _whole_verified(
    request: web.Request, uploads: Uploads, sending: Sending
) -> AsyncIterator[None]:
    """Deactivates an upload that turns out to be another than its digest says.

    Storage has let go of its bytes then, and an offset must not decrease (4.1.1).
    """
    try:
        yield
    except ChunkDigestMismatch:
        raise
    except DigestMismatch:
        await _deactivate(uploads, sending)
        request[FIELDS] = {"Upload-Complete": "?1"}  # what was to be received has been
        raise


async def _deactivate(uploads: Uploads, sending: Sending) -> None:
    await JobControl(uploads.ports, uploads.events).cancel_upload(str(sending.upload.id))


async def _refusal_by_complete(body: AsyncGenerator[bytes, None], upload: Upload) -> CsvmillError:
    """How a complete upload refuses an append (4.4.2)."""
    async with aclosing(body):
        if await anext(body, b""):
            return InconsistentLength(
                f"upload {upload.id} is complete with {upload.blob.size} bytes; it takes no more"
            )
    return UploadCompleted(f"upload {upload.id} is complete already")


def _shown(upload: Upload, uploads: Uploads) -> web.Response:
    """The answer of the resource that takes files: the upload, as to a plain request."""
    response = shown(upload, status=201)
    response.headers.update(standing(upload, uploads.settings))
    return response


def _acknowledged(upload: Upload, uploads: Uploads) -> web.Response:
    fields = {**standing(upload, uploads.settings), **_job_field(upload)}
    return web.Response(status=204, headers=fields)


def _job_field(upload: Upload) -> dict[str, str]:
    return {} if upload.job is None else {JOB_HEADER: job_path(upload.job)}


def _uploads(request: web.Request) -> Uploads:
    return Uploads.of(request.app)
