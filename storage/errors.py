"""From the error tree to HTTP, in one table."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.protocol import encode_error
from shared.errors import (
    AppendLeaseLost,
    BlobConflict,
    BlobIncomplete,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
    InvalidInput,
    NotFound,
    StorageFull,
    Unauthorized,
    Unavailable,
)
from shared.http.connections import client_disconnected

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)

STATUS: dict[type[CsvmillError], int] = {
    InvalidInput: 400,
    Unauthorized: 401,
    NotFound: 404,
    BlobConflict: 409,
    BlobIncomplete: 409,
    AppendLeaseLost: 409,
    ChunkOutOfBounds: 416,
    DigestMismatch: 422,
    StorageFull: 507,
    Unavailable: 503,
    CsvmillError: 500,
}


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an error of the tree by its status and as JSON; log those that are ours."""
    try:
        return await handler(request)
    except CsvmillError as error:
        status = next(STATUS[base] for base in type(error).__mro__ if base in STATUS)
        if status == 507:
            log.warning("%s %s: %s", request.method, request.path, error)
        elif status >= 500:
            log.exception("%s %s", request.method, request.path)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return web.json_response(encode_error(error), status=status, headers=headers)
    except ConnectionError:
        if not client_disconnected(request):
            raise
        # The caller was killed or cut off: nothing of ours has failed.
        log.debug("%s %s: the caller has gone", request.method, request.path)
        return web.Response(status=400)  # for nobody
