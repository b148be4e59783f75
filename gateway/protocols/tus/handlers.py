"""`/api/tus/`: the tus protocol 1.0.0.

Extensions: creation, creation-with-upload, creation-defer-length, checksum, checksum-trailer,
expiration, termination, concatenation.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from aiohttp import web

from gateway.http.digests import (
    TUS_CHECKSUM_ALGORITHMS,
    declared_digests,
    parse_upload_checksum,
    verify_digests,
)
from gateway.http.errors import error_response
from gateway.http.notify_urls import notify_in_query
from gateway.http.public_url import public_url
from gateway.keys import SETTINGS
from gateway.protocols.common.request import plain_body
from gateway.protocols.common.response import job_header
from gateway.protocols.tus.concatenation import concatenate
from gateway.protocols.tus.headers import (
    aggregation,
    declared_length,
    fails_early,
    filename,
    number,
    parts_of_final,
)
from gateway.uploads import append as appends
from gateway.uploads.cancel import remove_upload
from gateway.uploads.complete import with_job
from gateway.uploads.context import UploadContext
from gateway.uploads.create import NewUpload, create_upload
from gateway.uploads.form_check import removed_if_form
from gateway.uploads.size import check_size
from shared.errors import (
    ChunkDigestMismatch,
    InvalidInput,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadNotFound,
)
from shared.uploads.metadata import CONCAT, PARTIAL, aggregation_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

    from gateway.uploads.upload import Upload

VERSION = "1.0.0"
PREFIX = "/api/tus"
EXTENSIONS = (
    "creation,creation-with-upload,creation-defer-length,checksum,checksum-trailer,expiration,"
    "termination,concatenation"
)
CONTENT_TYPE = "application/offset+octet-stream"
_METADATA = "upload-metadata"


def install(app: web.Application) -> None:
    """Add the protocol's version to every response below the prefix."""

    async def add_version(request: web.Request, response: web.StreamResponse) -> None:
        if request.path.startswith(PREFIX):
            response.headers["Tus-Resumable"] = VERSION
            if response.status == 412:
                response.headers["Tus-Version"] = VERSION

    app.on_response_prepare.append(add_version)


def require_version(handler: Handler) -> Handler:
    """Refuse requests of other versions; answer mismatched checksums with the protocol's 460."""

    async def checked(request: web.Request) -> web.StreamResponse:
        if (version := request.headers.get("Tus-Resumable")) != VERSION:
            raise UnsupportedVersion(f"Tus-Resumable is {version!r}; send {VERSION}")
        try:
            return await handler(request)
        except ChunkDigestMismatch as error:
            response = error_response(400, str(error))
            response.set_status(460, "Checksum Mismatch")
            return response

    return checked


async def options(request: web.Request) -> web.Response:
    """`OPTIONS`: list versions, extensions and limits."""
    return web.Response(
        status=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(request.app[SETTINGS].max_upload_size),
            "Tus-Checksum-Algorithm": ",".join(TUS_CHECKSUM_ALGORITHMS),
        },
    )


async def create(request: web.Request) -> web.Response:
    """`POST`: create an upload, with or without bytes; or concatenate partial uploads."""
    context = UploadContext.of(request)
    concat = request.headers.get("Upload-Concat", "").strip()
    spec, name = aggregation(request), filename(request)
    others = {_METADATA: request.headers.get(_METADATA, "")}
    if concat.startswith("final;"):
        if "Upload-Length" in request.headers:
            raise InvalidInput("a final upload has no Upload-Length", field="Upload-Length")
        final = NewUpload(name, None, aggregation=spec, others={**others, CONCAT: concat})
        upload = await concatenate(context, parts_of_final(concat), final)
        if aggregation_of(upload.blob.metadata) != spec:
            raise InvalidInput(
                "these parts were concatenated with another spec, or with none; send the same",
                field="Upload-Metadata",
            )
        return _response(request, upload, 201)
    if concat not in ("", PARTIAL):
        raise InvalidInput(
            f"Upload-Concat is {concat!r}; send partial, or final; and URLs", field="Upload-Concat"
        )
    size = declared_length(request)
    if size is not None:
        check_size(context.settings, size, field="Upload-Length")
    if concat:
        others[CONCAT] = PARTIAL
    new = NewUpload(
        name,
        size,
        aggregation=spec,
        fail_early=fails_early(request),
        notify=notify_in_query(request),
        others=others,
    )
    upload = await create_upload(context, uuid4(), new)
    if request.content_type == CONTENT_TYPE and request.can_read_body:
        async with removed_if_form(context, upload.id):
            upload = await _append(request, context, upload.id, 0)
    return _response(request, upload, 201)


async def show(request: web.Request) -> web.Response:
    """`HEAD`: return the offset. Aborts any append in progress."""
    context = UploadContext.of(request)
    upload = await appends.lease_append(context, _upload_id(request))
    upload = await with_job(context, upload.id, upload.blob)
    response = _response(request, upload, 200)
    response.headers["Cache-Control"] = "no-store"
    blob = upload.blob
    if blob.size is None:
        response.headers["Upload-Defer-Length"] = "1"
    else:
        response.headers["Upload-Length"] = str(blob.size)
    for name, field in ((_METADATA, "Upload-Metadata"), (CONCAT, "Upload-Concat")):
        if blob.metadata.get(name):
            response.headers[field] = blob.metadata[name]
    return response


async def patch(request: web.Request) -> web.Response:
    """`PATCH`: append bytes. What arrives stays, unless there is a checksum."""
    if request.content_type != CONTENT_TYPE:
        raise UnsupportedMedia(f"the request is {request.content_type}; send {CONTENT_TYPE}")
    offset = number(request, "Upload-Offset")
    if offset is None:
        raise InvalidInput("Upload-Offset is missing", field="Upload-Offset")
    context = UploadContext.of(request)

    async def admit(upload: Upload) -> Upload:
        if upload.blob.metadata.get(CONCAT, "").startswith("final;"):
            raise web.HTTPForbidden(reason="A final upload accepts no bytes")
        appends.check_offset(upload, offset)
        if (length := number(request, "Upload-Length")) is not None:
            return await appends.declare_length(context, upload, length)
        return upload

    upload = await _append(request, context, _upload_id(request), offset, admit)
    return _response(request, upload, 204)


async def terminate(request: web.Request) -> web.Response:
    """`DELETE`: remove an upload, complete or not, and cancel its job if it has not ended."""
    await remove_upload(UploadContext.of(request), _upload_id(request))
    return web.Response(status=204)


async def collection(request: web.Request) -> web.StreamResponse:
    """Handle a request to `/api/tus`."""
    return await _by_method(request, {"POST": create})


async def upload(request: web.Request) -> web.StreamResponse:
    """Handle a request to an upload."""
    return await _by_method(request, {"DELETE": terminate, "HEAD": show, "PATCH": patch})


async def _by_method(request: web.Request, handlers: Mapping[str, Handler]) -> web.StreamResponse:
    """Call the handler of `X-HTTP-Method-Override`, if there is one, or of the method.

    A `HEAD` stays one: scope and origin of a request were checked by its own method, and of one
    that changes nothing less is demanded.
    """
    method = request.headers.get("X-HTTP-Method-Override", request.method).strip().upper()
    if method not in handlers or (request.method == "HEAD" and method != "HEAD"):
        raise web.HTTPMethodNotAllowed(method, sorted({*handlers, "OPTIONS"}))
    return await handlers[method](request)


async def _append(
    request: web.Request,
    context: UploadContext,
    upload_id: UUID,
    offset: int,
    admit: appends.Admit | None = None,
) -> Upload:
    digests = declared_digests(
        request, "Upload-Checksum", parse_upload_checksum, TUS_CHECKSUM_ALGORITHMS
    )
    data = verify_digests(plain_body(request), digests)
    return await appends.append(context, upload_id, offset, data, whole=bool(digests), admit=admit)


def _response(request: web.Request, upload: Upload, status: int) -> web.Response:
    fields = {"Upload-Offset": str(upload.blob.prefix), **job_header(upload)}
    response = web.Response(status=status, headers=fields)
    if status == 201:
        # Absolute: some clients do not resolve it against the URL of their request.
        response.headers["Location"] = public_url(request, f"{PREFIX}/{upload.id}")
    if upload.job is None:
        expires = time.time() + request.app[SETTINGS].upload_ttl
        response.headers["Upload-Expires"] = formatdate(expires, usegmt=True)
    return response


def _upload_id(request: web.Request) -> UUID:
    text = request.match_info["upload"]
    try:
        return UUID(text)
    except ValueError:
        raise UploadNotFound(f"There is no upload {text!r}") from None
