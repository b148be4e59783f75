"""A whole file as the body of one request, as `curl -T` sends it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.events import EVENTS
from gateway.http.digests import file_digest
from gateway.http.errors import FIELDS
from gateway.protocols.native.handlers import shown
from gateway.protocols.native.requests import described, plain_body
from gateway.protocols.native.view import upload_path
from gateway.uploads.append import Appends
from gateway.uploads.uploads import Uploads

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.uploads.upload import Upload


async def put_file(request: web.Request) -> web.Response:
    """Store the body as an upload. If it breaks off, what has arrived stays, to be gone on with."""
    body = plain_body(request)
    uploads = Uploads.of(request.app)
    size = request.content_length
    if size is not None:
        uploads.check_size(size, field="Content-Length")
    sha256 = file_digest(request.headers, "Content-Digest", "Repr-Digest")
    upload = await declared(request, uploads, size, sha256)
    # From here on an answer, whatever it says, tells where the upload can be gone on with.
    request[FIELDS] = {"Location": upload_path(upload)}
    if upload.job is None:
        appends = Appends(uploads)
        sending = await appends.lease_append(upload.id)
        upload = await appends.send(sending, 0, body, last=True)
        request.app[EVENTS].chunk_taken(request.content.total_bytes)
    return shown(upload, status=201)


async def declared(
    request: web.Request,
    uploads: Uploads,
    size: int | None,
    sha256: str | None,
    *,
    awaits_mark: bool = False,
) -> Upload:
    """The upload that a request with a file declares; that of its Idempotency-Key, if it has one.

    Raises as `described`, `Uploads.create` and `Uploads.create_once` do.
    """
    file = described(request)
    create = (
        partial(uploads.create, uuid4())
        if file.key is None
        else partial(uploads.create_once, file.key)
    )
    return await create(
        file.filename,
        size,
        sha256=sha256,
        aggregation=file.aggregation,
        awaits_mark=awaits_mark,
    )
