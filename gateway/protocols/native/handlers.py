"""`/api/v1/uploads`: the native protocol. Chunks in any order and in parallel, each checked."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from gateway.events import EVENTS
from gateway.http.digests import (
    CONTENT_DIGEST_ALGORITHMS,
    declared_digests,
    parse_content_digest,
    verify_digests,
)
from gateway.jobs.control import JobControl
from gateway.keys import PORTS, SETTINGS
from gateway.protocols.ietf.headers import limits
from gateway.protocols.native.requests import declaration, idempotency_key, plain_body, told_size
from gateway.protocols.native.view import job_path, upload_path, upload_view
from gateway.uploads.uploads import Uploads
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    InputRemoved,
    InvalidInput,
    UploadNotFound,
)

if TYPE_CHECKING:
    from gateway.uploads.upload import Upload

MAX_OFFSET = 10**18 - 1
"""Bytes: more than any file system takes."""

_DIGITS = re.compile(r"[0-9]+")

JOB_HEADER = "Csvmill-Job"
"""Names the job of an upload in answers that have no JSON of ours."""


async def create_upload(request: web.Request) -> web.Response:
    """`POST /api/v1/uploads`: declare a file. The same key gives the same upload."""
    uploads = _uploads(request)
    key = idempotency_key(request)
    declared = await declaration(request)
    if declared.size is not None:
        uploads.check_size(declared.size, field="size")
    create = partial(uploads.create, uuid4()) if key is None else partial(uploads.create_once, key)
    upload = await create(
        declared.filename,
        declared.size,
        sha256=declared.sha256,
        aggregation=declared.aggregation,
    )
    return shown(upload, status=201)


async def show_upload(request: web.Request) -> web.Response:
    """`GET /api/v1/uploads/{upload}`: what there is of an upload, in whichever dialect begun."""
    upload = await _uploads(request).find(request.match_info["upload"])
    response = shown(upload)
    if upload.job is None:
        response.headers["Upload-Limit"] = limits(request.app[SETTINGS])
    return response


async def declare_size(request: web.Request) -> web.Response:
    """`PATCH /api/v1/uploads/{upload}`: tell the size of a file that was declared without."""
    uploads = _uploads(request)
    size = await told_size(request)
    uploads.check_size(size, field="size")
    upload = await uploads.find(request.match_info["upload"])
    return shown(await uploads.declare_size(upload, size))


async def put_chunk(request: web.Request) -> web.Response:
    """`PUT /api/v1/uploads/{upload}/chunks/{offset}`: bytes at an offset, all or nothing."""
    uploads = _uploads(request)
    offset = _offset(request)
    data = verify_digests(
        plain_body(request),
        declared_digests(
            request, "Content-Digest", parse_content_digest, CONTENT_DIGEST_ALGORITHMS
        ),
    )
    upload = await uploads.find(request.match_info["upload"])
    end, size = offset + (request.content_length or 0), upload.blob.size
    if size is not None and end > size:
        raise ChunkOutOfBounds(f"a chunk up to {end} reaches beyond the upload's {size} bytes")
    try:
        blob = await uploads.write_chunk(upload, offset, data)
    except BlobNotFound as error:
        if upload.job is None:
            raise UploadNotFound(f"upload {upload.id} was removed meanwhile") from error
        raise InputRemoved(
            f"the upload became job {upload.job.id}, and its bytes are not kept any longer"
        ) from error
    request.app[EVENTS].chunk_taken(request.content.total_bytes)
    return shown(await uploads.finished(upload.id, blob))


async def cancel_upload(request: web.Request) -> web.Response:
    """`DELETE /api/v1/uploads/{upload}`: remove an upload in flight, or cancel its job."""
    control = JobControl(request.app[PORTS], request.app[EVENTS])
    await control.cancel_upload(request.match_info["upload"])
    return web.Response(status=204)


def shown(upload: Upload, status: int = 200) -> web.Response:
    """The answer that shows an upload."""
    response = web.json_response(upload_view(upload).as_json(), status=status)
    if status == 201:
        response.headers["Location"] = upload_path(upload)
    if upload.job is not None:
        response.headers[JOB_HEADER] = job_path(upload.job)
    return response


def _offset(request: web.Request) -> int:
    """Where the chunk belongs, in bytes. Raises InvalidInput, ChunkOutOfBounds."""
    text = request.match_info["offset"]
    shown = text if len(text) <= 40 else f"{text[:20]}... of {len(text)} characters"
    if not _DIGITS.fullmatch(text):
        raise InvalidInput(
            f"offset is {shown!r}; send where the chunk begins in the file, in bytes",
            field="offset",
        )
    # As a number only if it can be a file's: thousands of digits take their time.
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(MAX_OFFSET)):
        raise ChunkOutOfBounds(
            f"offset is {shown}, and no file reaches beyond {MAX_OFFSET}; send where the chunk "
            "begins, in bytes"
        )
    return int(digits)


def _uploads(request: web.Request) -> Uploads:
    return Uploads.of(request.app)
