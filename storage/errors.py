"""Answers errors with their status and code."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.codecs import encode_error
from shared.errors import CsvmillError, ObjectStorageUnavailable, StorageFull
from shared.http.connections import client_disconnected

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an error into a JSON response; log faults of storage."""
    try:
        return await handler(request)
    except CsvmillError as error:
        log_refusal(request, error)
        status = error.internal_status
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        return web.json_response(encode_error(error), status=status, headers=headers)
    except ConnectionError:
        if not client_disconnected(request):
            raise
        log.debug("%s %s: the caller disconnected", request.method, request.path)
        return web.Response(status=400)  # not sent


def log_refusal(request: web.Request, error: CsvmillError, what: str = "") -> None:
    """Log an error that is a fault of storage, with its trace unless the cause is elsewhere.

    `what` came of the request precedes the message.
    """
    if isinstance(error, StorageFull | ObjectStorageUnavailable):
        log.warning("%s %s: %s%s", request.method, request.path, what, error)
    elif error.internal_status >= 500:
        log.error("%s %s: %s%s", request.method, request.path, what, error, exc_info=error)
