"""A whole file as the body of one request, as `curl -T` sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.http.digests import file_digest
from gateway.http.errors import FIELDS
from gateway.protocols.common.request import create_from_headers, plain_body
from gateway.protocols.common.response import upload_response
from gateway.protocols.common.view import upload_path
from gateway.uploads.append import append
from gateway.uploads.context import UploadContext
from gateway.uploads.size import check_size

if TYPE_CHECKING:
    from aiohttp import web


async def put_file(request: web.Request) -> web.Response:
    """Store the body as an upload. If it ends early, what has arrived stays."""
    body = plain_body(request)
    context = UploadContext.of(request.app)
    size = request.content_length
    if size is not None:
        check_size(context.settings, size, field="Content-Length")
    sha256 = file_digest(request.headers, "Content-Digest", "Repr-Digest")
    upload = await create_from_headers(request, context, size, sha256)
    # From here on every response, whatever its status, names the upload to continue.
    request[FIELDS] = {"Location": upload_path(upload)}
    if upload.job is None:
        upload = await append(context, upload.id, 0, body, last=True)
    return upload_response(upload, status=201)
