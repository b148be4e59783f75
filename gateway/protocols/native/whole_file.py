"""A whole file as the body of one request, as `curl -T` sends it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.http.digests import file_digest
from gateway.http.errors import FIELDS
from gateway.http.idempotency import idempotency_key
from gateway.protocols.common.request import (
    create_from_headers,
    declared_by_headers,
    plain_body,
)
from gateway.protocols.common.response import upload_response
from gateway.protocols.common.view import path_of, upload_path
from gateway.uploads.append import append
from gateway.uploads.context import UploadContext
from gateway.uploads.create import create_upload, create_with_content
from gateway.uploads.form_check import removed_if_form
from gateway.uploads.repeat import take_again
from gateway.uploads.size import check_size
from shared.blobs.gathering import GATHERED, Gathering

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from gateway.uploads.create import NewUpload
    from shared.blobs.socket_part import Piece


async def put_file(request: web.Request) -> web.Response:
    """Store the body as an upload. If it ends early, what has arrived stays."""
    body = plain_body(request)
    context = UploadContext.of(request)
    size = request.content_length
    if size is not None:
        check_size(context.settings, size, field="Content-Length")
    sha256 = file_digest(request.headers, "Content-Digest", "Repr-Digest")
    if size is not None and 0 < size <= GATHERED and idempotency_key(request) is None:
        new = await declared_by_headers(request, size, sha256)
        return await _put_small(request, context, body, new)
    upload = await create_from_headers(request, context, size, sha256)
    # From here on every response, whatever its status, names the upload to continue.
    request[FIELDS] = {"Location": upload_path(upload)}
    if upload.job is None and not (upload.becomes_no_job and upload.blob.complete):
        async with removed_if_form(context, upload.id):
            upload = await append(context, upload.id, 0, body, last=True)
    else:
        upload = await take_again(context, upload, body, sha256=sha256)
    return upload_response(upload, status=201)


async def _put_small(
    request: web.Request, context: UploadContext, body: AsyncGenerator[Piece, None], new: NewUpload
) -> web.Response:
    """The same for a small file, which is stored in one step if it arrives promptly."""
    upload_id = uuid4()
    async with aclosing(body), Gathering(body, new.size or 0) as gathering:
        content = await gathering.whole()
        if content is None:
            upload = await create_upload(context, upload_id, new)
            request[FIELDS] = {"Location": upload_path(upload)}
            async with removed_if_form(context, upload_id):
                upload = await append(context, upload_id, 0, gathering.pieces(), last=True)
        else:
            request[FIELDS] = {"Location": path_of(upload_id)}
            upload = await create_with_content(context, upload_id, new, content)
    return upload_response(upload, status=201)
