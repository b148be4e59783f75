"""`/api/v1/uploads`: the native protocol. Chunks in any order and in parallel, each checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.digests import (
    CONTENT_DIGEST_ALGORITHMS,
    declared_digests,
    parse_content_digest,
    verify_digests,
)
from gateway.http.idempotency import idempotency_key
from gateway.jobs import control
from gateway.jobs.handlers import job_response
from gateway.jobs.requested import requested_job_id
from gateway.protocols.common.foreign import refuse_other_body
from gateway.protocols.common.request import plain_body
from gateway.protocols.common.response import upload_limit, upload_response
from gateway.protocols.native.declaration import read_declaration, read_size
from gateway.uploads import cancel, size
from gateway.uploads.complete import with_its_own_job, with_job
from gateway.uploads.context import UploadContext
from gateway.uploads.create import create_once
from gateway.uploads.delete import cancel_or_delete_job, cancel_or_delete_upload
from gateway.uploads.find import find_upload, with_head_start
from gateway.uploads.write import write_chunk
from shared.errors import ChunkOutOfBounds, InvalidInput, JobNotFound, UploadNotFound

if TYPE_CHECKING:
    from shared.jobs.job import Job

MAX_OFFSET = 10**18 - 1
"""Bytes: more than any file system takes."""

_DIGITS = re.compile(r"[0-9]+")


async def create_upload(request: web.Request) -> web.Response:
    """`POST /api/v1/uploads`: declare a file. The same key gives the same upload."""
    context = UploadContext.of(request)
    key = idempotency_key(request)
    new = await read_declaration(request)
    if new.size is not None:
        size.check_size(context.settings, new.size, field="size")
    return upload_response(await create_once(context, key, new), status=201)


async def show_upload(request: web.Request) -> web.Response:
    """`GET /api/v1/uploads/{upload}`: describe an upload of any protocol."""
    context = UploadContext.of(request)
    upload = await find_upload(context, request.match_info["upload"])
    upload = await with_head_start(context, upload)
    response = upload_response(upload)
    if upload.job is None:
        response.headers["Upload-Limit"] = upload_limit(context.settings)
    return response


async def declare_size(request: web.Request) -> web.Response:
    """`PATCH /api/v1/uploads/{upload}`: declare the size of a file created without one."""
    context = UploadContext.of(request)
    declared = await read_size(request)
    size.check_size(context.settings, declared, field="size")
    upload = await find_upload(context, request.match_info["upload"])
    return upload_response(await size.declare_size(context, upload, declared))


async def put_chunk(request: web.Request) -> web.Response:
    """`PUT /api/v1/uploads/{upload}/chunks/{offset}`: store bytes at an offset, all or nothing."""
    context = UploadContext.of(request)
    offset = _offset(request)
    refuse_other_body(request)
    body = plain_body(request)
    digests = declared_digests(
        request, "Content-Digest", parse_content_digest, CONTENT_DIGEST_ALGORITHMS
    )
    upload = await write_chunk(
        context,
        request.match_info["upload"],
        offset,
        verify_digests(body, digests),
        length=request.content_length,
    )
    upload = await with_job(context, upload.id, upload.blob)
    return upload_response(with_its_own_job(upload))


async def cancel_upload(request: web.Request) -> web.Response:
    """`DELETE /api/v1/uploads/{upload}`: remove an upload, and cancel or delete its job."""
    context, name = UploadContext.of(request), request.match_info["upload"]
    if _keeps_finished(request):
        await cancel.cancel_upload(context, name)
    else:
        await cancel_or_delete_upload(context, name)
    return web.Response(status=204)


async def cancel_job(request: web.Request) -> web.Response:
    """`DELETE /api/v1/jobs/{job_id}`: cancel a job and return it, REVOKED; or delete it.

    A job that has succeeded or failed is deleted with all its bytes, and the answer is empty. With
    the id of an upload, as `cancel_upload`: the answer is empty if it had no job.
    """
    job_id = requested_job_id(request)
    context = UploadContext.of(request)
    job: Job | None
    try:
        if _keeps_finished(request):
            job = await control.cancel_job(context.ports, context.events, job_id, context.tenant)
        else:
            job = await cancel_or_delete_job(context, job_id)
    except JobNotFound:
        try:
            job = await cancel.cancel_upload(context, str(job_id))
        except UploadNotFound:
            raise JobNotFound(f"There is no job and no upload {job_id}") from None
    return web.Response(status=204) if job is None else await job_response(request, job)


def _keeps_finished(request: web.Request) -> bool:
    """Whether `?finished=keep` refuses to delete what has ended. Raises InvalidInput."""
    given = request.query.get("finished", "delete")
    if given not in ("delete", "keep"):
        raise InvalidInput(f"finished is {given!r}; send delete or keep", field="finished")
    return given == "keep"


def _offset(request: web.Request) -> int:
    """Return where the chunk belongs, in bytes. Raises InvalidInput, ChunkOutOfBounds."""
    text = request.match_info["offset"]
    shown = text if len(text) <= 40 else f"{text[:20]}... of {len(text)} characters"
    if not _DIGITS.fullmatch(text):
        raise InvalidInput(
            f"offset is {shown!r}; send where the chunk begins in the file, in bytes",
            field="offset",
        )
    # Counted before it is converted: thousands of digits take long.
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(MAX_OFFSET)):
        raise ChunkOutOfBounds(
            f"offset is {shown}, and no file reaches beyond {MAX_OFFSET}; send where the chunk "
            "begins, in bytes"
        )
    return int(digits)
