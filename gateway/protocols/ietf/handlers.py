"""Resumable uploads for HTTP of the IETF, on the upload resource of `/api/v1`.

draft-ietf-httpbis-resumable-upload, interop version 8; sections are those of version -10. A client
marks its upload as complete itself (section 4.1.2): an upload created here becomes a job with the
request that marks it, and not with its last byte.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.digests import (
    CONTENT_DIGEST_ALGORITHMS,
    DeclaredDigests,
    declared_digests,
    file_digest,
    parse_content_digest,
    verify_digests,
)
from gateway.http.errors import FIELDS
from gateway.protocols.common.request import create_from_headers, plain_body
from gateway.protocols.common.response import job_header, upload_limit, upload_response
from gateway.protocols.common.view import upload_path
from gateway.protocols.ietf.headers import UploadFields, is_complete, upload_state
from gateway.protocols.ietf.interim import interim
from gateway.uploads import append as appends
from gateway.uploads.cancel import cancel_upload
from gateway.uploads.complete import with_job
from gateway.uploads.context import UploadContext
from gateway.uploads.form_check import removed_if_form
from gateway.uploads.repeat import take_again
from gateway.uploads.size import check_size
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
    from uuid import UUID

    from gateway.uploads.upload import Upload
    from shared.blobs.socket_part import Piece
    from shared.errors import CsvmillError


async def create(request: web.Request) -> web.Response:
    """Upload creation (section 4.2): of a whole file, or of its first part."""
    fields = UploadFields.of(request.headers)
    body = plain_body(request)
    context = UploadContext.of(request)
    request[FIELDS] = {"Upload-Limit": upload_limit(context.settings)}
    length = fields.total_length(0, request.content_length)
    if length is not None:
        check_size(context.settings, length, field="Upload-Length")
    # The digest of a file that one request carries is verified for the file, so that the upload
    # can be interrupted and continued; that of a first part decides whether the part is kept.
    of_file = ("Repr-Digest", "Content-Digest") if fields.complete else ("Repr-Digest",)
    sha256 = file_digest(request.headers, *of_file)
    late = declares_trailer(request, "Content-Digest")
    digests = DeclaredDigests() if fields.complete and not late else _content_digests(request)
    upload = await create_from_headers(request, context, length, sha256, awaits_mark=True)
    request[FIELDS]["Location"] = upload_path(upload)
    if upload.job is None:
        receiving = _Receiving(request, context, digests, last=bool(fields.complete))
        receiving.upload = upload
        async with removed_if_form(context, upload.id), receiving.verified():
            upload = await receiving.append(upload.id, 0, body, early_fields=request[FIELDS])
    else:
        sent = verify_digests(body, digests)
        await take_again(context, upload, sent, sha256=sha256, whole=bool(fields.complete))
    return _creation_response(upload, context)


async def show(request: web.Request) -> web.Response:
    """Offset retrieval (section 4.3). Aborts any append in progress (section 4.6)."""
    context = UploadContext.of(request)
    upload = await appends.lease_append(context, request.match_info["upload"])
    upload = await with_job(context, upload.id, upload.blob)
    response = _append_response(upload, context)
    response.headers["Cache-Control"] = "no-store"
    if upload.blob.size is not None:
        response.headers["Upload-Length"] = str(upload.blob.size)
    return response


async def append(request: web.Request) -> web.Response:
    """Upload append (section 4.4): what arrives stays, unless there is a Content-Digest."""
    fields = UploadFields.of(request.headers)
    if fields.offset is None or fields.complete is None:
        name = "Upload-Offset" if fields.offset is None else "Upload-Complete"
        given = request.headers.get(name)
        raise InvalidInput(f"{name} is {given!r}; an append needs it", field=name)
    if "Repr-Digest" in request.headers:
        raise InvalidInput(
            "Repr-Digest is taken when an upload is created; send Content-Digest with an append",
            field="Repr-Digest",
        )
    offset, body = fields.offset, plain_body(request)
    context = UploadContext.of(request)
    receiving = _Receiving(request, context, _content_digests(request), last=fields.complete)

    async def admit(upload: Upload) -> Upload:
        upload = await with_job(context, upload.id, upload.blob)
        request[FIELDS] = {**upload_state(upload, context.settings), **job_header(upload)}
        if is_complete(upload):
            raise await _refusal_by_complete(body, upload)
        appends.check_offset(upload, offset)
        receiving.upload = upload
        upload = await _with_length(request, context, upload, fields)
        # The state of the upload is unknown while it changes; its limits are not (4.1.4).
        request[FIELDS] = {"Upload-Limit": upload_limit(context.settings)}
        receiving.upload = upload
        return upload

    async with receiving.verified():
        upload = await receiving.append(request.match_info["upload"], offset, body, admit=admit)
    respond = _creation_response if fields.complete else _append_response
    return respond(upload, context)


class _Receiving:
    """Appends the content of one request to an upload."""

    def __init__(
        self,
        request: web.Request,
        context: UploadContext,
        digests: DeclaredDigests,
        *,
        last: bool,
    ) -> None:
        self._request = request
        self._context = context
        self._digests = digests
        self._last = last
        self.upload: Upload | None = None
        """The upload before the content, once it is known."""

    async def append(
        self,
        name: str | UUID,
        offset: int,
        body: AsyncGenerator[Piece, None],
        *,
        admit: appends.Admit | None = None,
        early_fields: dict[str, str] | None = None,
    ) -> Upload:
        """Append the content; return the upload. Sends `early_fields` in a 104 first."""
        with interim(self._request) as responses:
            if early_fields is not None:
                responses.send(early_fields)
            data = responses.progress(verify_digests(body, self._digests), self._recorded)
            try:
                return await appends.append(
                    self._context,
                    name,
                    offset,
                    data,
                    whole=bool(self._digests),
                    last=self._last,
                    admit=admit,
                )
            except ChunkOutOfBounds as error:
                if self.upload is not None and self.upload.blob.size is not None:
                    await self._deactivate()  # required by section 4.4.2
                raise InconsistentLength(
                    f"more bytes were sent than the upload has: {error}"
                ) from error

    @asynccontextmanager
    async def verified(self) -> AsyncIterator[None]:
        """Deactivate an upload whose bytes do not have its digest.

        Storage has dropped its bytes then, and an offset must not decrease (section 4.1.1).
        """
        try:
            yield
        except ChunkDigestMismatch:
            raise
        except DigestMismatch:
            await self._deactivate()
            self._request[FIELDS] = {"Upload-Complete": "?1"}  # all bytes had been received
            raise

    async def _recorded(self) -> int:
        """Return how many bytes of the upload are recorded."""
        if self.upload is None:
            return 0
        return (await self._context.ports.blobs.info(self.upload.blob.key)).prefix

    async def _deactivate(self) -> None:
        if self.upload is not None:
            await cancel_upload(self._context, str(self.upload.id))


async def _with_length(
    request: web.Request, context: UploadContext, upload: Upload, fields: UploadFields
) -> Upload:
    """Declare the size of the upload if the request has it and it is not known yet."""
    declared = fields.total_length(upload.blob.prefix, request.content_length)
    known = upload.blob.size
    if known is None:
        if declared is None:
            return upload
        try:
            return await appends.declare_length(context, upload, declared)
        except (BlobConflict, ChunkOutOfBounds) as error:
            raise InconsistentLength(f"the upload cannot have {declared} bytes: {error}") from error
    end = upload.blob.prefix + (request.content_length or 0)
    if declared not in (None, known) or end > known:
        raise InconsistentLength(
            f"the upload has {known} bytes, but the request declares {max(declared or 0, end)}"
        )
    return upload


def _content_digests(request: web.Request) -> DeclaredDigests:
    return declared_digests(
        request, "Content-Digest", parse_content_digest, CONTENT_DIGEST_ALGORITHMS
    )


async def _refusal_by_complete(body: AsyncGenerator[Piece, None], upload: Upload) -> CsvmillError:
    """Return the error with which a complete upload refuses an append (section 4.4.2)."""
    async with aclosing(body):
        if await anext(body, b""):
            return InconsistentLength(
                f"upload {upload.id} is complete with {upload.blob.size} bytes; it accepts no more"
            )
    return UploadCompleted(f"upload {upload.id} is complete already")


def _creation_response(upload: Upload, context: UploadContext) -> web.Response:
    """Return the response of a creation, and of the append that completes an upload."""
    response = upload_response(upload, status=201)
    response.headers.update(upload_state(upload, context.settings))
    return response


def _append_response(upload: Upload, context: UploadContext) -> web.Response:
    fields = {**upload_state(upload, context.settings), **job_header(upload)}
    return web.Response(status=204, headers=fields)
