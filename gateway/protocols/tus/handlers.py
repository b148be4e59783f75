"""`/api/tus/`: the tus protocol 1.0.0, for the clients that speak it already.

Extensions: creation, creation-with-upload, creation-defer-length, checksum, checksum-trailer,
expiration, termination, concatenation.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from aiohttp import web

from gateway.events import EVENTS
from gateway.http.digests import (
    TUS_CHECKSUM_ALGORITHMS,
    declared_digests,
    parse_upload_checksum,
    verify_digests,
)
from gateway.http.errors import error_response
from gateway.jobs.control import JobControl
from gateway.keys import PORTS, SETTINGS
from gateway.protocols.native.handlers import JOB_HEADER
from gateway.protocols.native.requests import plain_body
from gateway.protocols.native.view import job_path
from gateway.protocols.tus.concatenation import concatenate
from gateway.protocols.tus.headers import (
    aggregation,
    declared_length,
    filename,
    number,
    parts_of_final,
)
from gateway.uploads.append import Appends
from gateway.uploads.uploads import Uploads
from shared.errors import (
    ChunkDigestMismatch,
    InvalidInput,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadNotFound,
)
from shared.uploads.metadata import CONCAT, PARTIAL, aggregation_of, metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

    from gateway.uploads.append import Sending
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
    """Have every answer below the prefix say which version of the protocol it speaks."""

    async def say_version(request: web.Request, response: web.StreamResponse) -> None:
        if request.path.startswith(PREFIX):
            response.headers["Tus-Resumable"] = VERSION
            if response.status == 412:
                response.headers["Tus-Version"] = VERSION

    app.on_response_prepare.append(say_version)


def spoken(handler: Handler) -> Handler:
    """Answer only requests in our version, and digests that differ with the protocol's own 460."""

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
    """What is spoken here."""
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
    """Declare an upload, and take what of it comes along; or make one of partial ones."""
    uploads = _uploads(request)
    concat = request.headers.get("Upload-Concat", "").strip()
    asked = aggregation(request)
    described = {
        "filename": filename(request),
        _METADATA: request.headers.get(_METADATA, ""),
        **metadata_of(asked),
    }
    if concat.startswith("final;"):
        if "Upload-Length" in request.headers:
            raise InvalidInput("a final upload has no Upload-Length", field="Upload-Length")
        upload = await concatenate(uploads, parts_of_final(concat), concat, described)
        if aggregation_of(upload.blob.metadata) != asked:
            raise InvalidInput(
                "these parts were put together with another spec, or with none; send the same",
                field="Upload-Metadata",
            )
        return _answer(request, upload, 201)
    if concat not in ("", PARTIAL):
        raise InvalidInput(
            f"Upload-Concat is {concat!r}; send partial, or final; and URLs", field="Upload-Concat"
        )
    size = declared_length(request)
    if size is not None:
        uploads.check_size(size, field="Upload-Length")
    if concat:
        described[CONCAT] = PARTIAL
    upload = await uploads.declare(uuid4(), size, described)
    if request.content_type == CONTENT_TYPE and request.can_read_body:
        sending = await Appends(uploads).lease_append(upload.id)
        upload = await _take(request, uploads, sending, 0)
    return _answer(request, upload, 201)


async def show(request: web.Request) -> web.Response:
    """Tell how far an upload has come. Whoever was sending it sends no more then."""
    uploads = _uploads(request)
    sending = await Appends(uploads).lease_append(_upload_id(request))
    upload = await uploads.finished(sending.upload.id, sending.upload.blob)
    response = _answer(request, upload, 200)
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
    """Take bytes for where the upload is; whatever arrives stays, unless there is a checksum."""
    if request.content_type != CONTENT_TYPE:
        raise UnsupportedMedia(f"the request is {request.content_type}; send {CONTENT_TYPE}")
    offset = number(request, "Upload-Offset")
    if offset is None:
        raise InvalidInput("Upload-Offset is missing", field="Upload-Offset")
    uploads = _uploads(request)
    appends = Appends(uploads)
    sending = await appends.lease_append(_upload_id(request))
    if sending.upload.blob.metadata.get(CONCAT, "").startswith("final;"):
        raise web.HTTPForbidden(reason="A final upload takes no bytes")
    sending.check_offset(offset)
    if (length := number(request, "Upload-Length")) is not None:
        sending = await appends.declare_size(sending, length)
    return _answer(request, await _take(request, uploads, sending, offset), 204)


async def terminate(request: web.Request) -> web.Response:
    """Remove an upload, whether it is complete or not, and cancel its job if that goes on."""
    control = JobControl(request.app[PORTS], request.app[EVENTS])
    await control.remove_upload(_upload_id(request))
    return web.Response(status=204)


async def collection(request: web.Request) -> web.StreamResponse:
    """What is asked of `/api/tus`."""
    return await _meant(request, {"POST": create})


async def upload(request: web.Request) -> web.StreamResponse:
    """What is asked of an upload."""
    return await _meant(request, {"DELETE": terminate, "HEAD": show, "PATCH": patch})


async def _meant(request: web.Request, handlers: Mapping[str, Handler]) -> web.StreamResponse:
    """By the method that the request names, for clients that can send only some: else its own."""
    method = request.headers.get("X-HTTP-Method-Override", request.method).strip().upper()
    if method not in handlers:
        raise web.HTTPMethodNotAllowed(method, sorted({*handlers, "OPTIONS"}))
    return await handlers[method](request)


async def _take(request: web.Request, uploads: Uploads, sending: Sending, offset: int) -> Upload:
    digests = declared_digests(
        request, "Upload-Checksum", parse_upload_checksum, TUS_CHECKSUM_ALGORITHMS
    )
    data = verify_digests(plain_body(request), digests)
    upload = await Appends(uploads).send(sending, offset, data, whole=bool(digests))
    request.app[EVENTS].chunk_taken(request.content.total_bytes)
    return upload


def _answer(request: web.Request, upload: Upload, status: int) -> web.Response:
    response = web.Response(status=status, headers={"Upload-Offset": str(upload.blob.prefix)})
    if status == 201:
        response.headers["Location"] = f"{PREFIX}/{upload.id}"
    if upload.job is not None:
        response.headers[JOB_HEADER] = job_path(upload.job)
    else:
        expires = time.time() + request.app[SETTINGS].upload_ttl
        response.headers["Upload-Expires"] = formatdate(expires, usegmt=True)
    return response


def _upload_id(request: web.Request) -> UUID:
    text = request.match_info["upload"]
    try:
        return UUID(text)
    except ValueError:
        raise UploadNotFound(f"There is no upload {text!r}") from None


def _uploads(request: web.Request) -> Uploads:
    return Uploads.of(request.app)
