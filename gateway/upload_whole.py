"""`PUT /api/v1/uploads?name=`: a whole file as the body, as `curl -T` sends it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.appends import Appends
from gateway.digests import content_digests
from gateway.errors import LOCATION
from gateway.events import EVENTS
from gateway.filenames import base_name
from gateway.keys import PORTS, SETTINGS
from gateway.upload_api import shown
from gateway.upload_requests import idempotency_key, plain_body
from gateway.upload_view import upload_path
from gateway.uploads import Uploads
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from gateway.uploads import Upload


async def put_file(request: web.Request) -> web.Response:
    """Store the body as an upload. If it breaks off, what has arrived stays, to be gone on with."""
    body = plain_body(request)
    uploads = Uploads(request.app[PORTS], request.app[SETTINGS], request.app[EVENTS])
    upload = await _declared(request, uploads)
    # From here on an answer, whatever it says, tells where the upload can be gone on with.
    request[LOCATION] = upload_path(upload)
    if upload.job is None:
        appends = Appends(uploads)
        sending = await appends.take_over(upload.id)
        counted = _Counted()
        upload = await appends.send(sending, 0, counted.pieces(body))
        request.app[EVENTS].chunk_taken(counted.size)
        if upload.blob.size is None:
            # Of this body, whatever a request before it had brought.
            told = await uploads.ports.blobs.declare_size(upload.blob.key, counted.size)
            upload = await uploads.finished(upload.id, told)
    return shown(upload, status=201)


class _Counted:
    """How many bytes a body has had."""

    def __init__(self) -> None:
        self.size = 0

    async def pieces(self, body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The body, which is closed then."""
        async with aclosing(body):
            async for piece in body:
                self.size += len(piece)
                yield piece


async def _declared(request: web.Request, uploads: Uploads) -> Upload:
    """The upload that the query and the headers declare."""
    if not request.query.get("name"):
        raise InvalidInput("the file has no name; add ?name= to the URL", field="name")
    name = base_name(request.query["name"], field="name")
    size, sha256, key = request.content_length, _sha256(request), idempotency_key(request)
    if size is not None:
        uploads.check_size(size, field="Content-Length")
    if key is None:
        return await uploads.create(uuid4(), name, size, sha256=sha256)
    return await uploads.create_once(key, name, size, sha256=sha256)


def _sha256(request: web.Request) -> str | None:
    """The digest of the file, which storage checks before the file counts as whole."""
    digests = {each.algorithm: each.digest for each in content_digests(request.headers)}
    if not digests:
        return None
    if "sha-256" not in digests:
        raise InvalidInput(
            "Content-Digest of a whole file has to be sha-256", field="Content-Digest"
        )
    return digests["sha-256"].hex()
