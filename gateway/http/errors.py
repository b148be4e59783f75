"""How errors leave the gateway: one table of statuses, a body for each of its APIs."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.problems import PREFIX, problem_response
from shared.errors import (
    AppendLeaseLost,
    BlobConflict,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
    HeaderNotReceived,
    IdempotencyKeyReused,
    InconsistentLength,
    InvalidInput,
    JobConflict,
    NotAcceptable,
    NotFound,
    OffsetConflict,
    PreconditionFailed,
    RangeNotSatisfiable,
    ResultExpired,
    ResultLost,
    SizeConflict,
    SpecMismatch,
    StorageFull,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadCompleted,
    UploadGone,
    UploadTooLarge,
)
from shared.http.connections import client_disconnected
from shared.telemetry.ids import current_ids

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

logger = logging.getLogger(__name__)

FIELDS = web.RequestKey("fields", dict[str, str])
"""Fields of the answer, though it is an error: such as where an upload can be gone on with."""
RETRY_AFTER = 2
"""Seconds after which a client may try again what failed because a dependency was away."""

STATUS: dict[type[CsvmillError], HTTPStatus] = {
    UploadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    UnsupportedVersion: HTTPStatus.PRECONDITION_FAILED,
    SpecMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidInput: HTTPStatus.BAD_REQUEST,
    BlobConflict: HTTPStatus.BAD_REQUEST,
    ChunkOutOfBounds: HTTPStatus.BAD_REQUEST,
    DigestMismatch: HTTPStatus.BAD_REQUEST,
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    ResultExpired: HTTPStatus.GONE,
    UploadGone: HTTPStatus.GONE,
    NotFound: HTTPStatus.NOT_FOUND,
    JobConflict: HTTPStatus.CONFLICT,
    OffsetConflict: HTTPStatus.CONFLICT,
    SizeConflict: HTTPStatus.CONFLICT,
    HeaderNotReceived: HTTPStatus.CONFLICT,
    UploadCompleted: HTTPStatus.BAD_REQUEST,
    InconsistentLength: HTTPStatus.BAD_REQUEST,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    AppendLeaseLost: HTTPStatus.CONFLICT,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Unauthorized: HTTPStatus.BAD_GATEWAY,
}
"""What each error means to a client; an error that is not listed counts as its base class."""


def status_of(error: CsvmillError) -> HTTPStatus:
    """The HTTP status of an error."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[CsvmillError]) -> HTTPStatus:
    """The HTTP status of a class of errors: that of the nearest in the table, else 500."""
    for base in kind.__mro__:
        if base in STATUS:
            return STATUS[base]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def error_response(status: int, message: str, **more: str) -> web.Response:
    """The body of every error outside of `/api/v1`: `{"status": "error", "message": ...}`."""
    return web.json_response({"status": "error", "message": message, **more}, status=status)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a response; log what is ours to mend, once."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise
        response = _answer(request, answer.status, answer.reason)
        if "Allow" in answer.headers:
            response.headers["Allow"] = answer.headers["Allow"]
        return response
    except AppendLeaseLost as error:
        return await _last_words(request, _answer(request, status_of(error), str(error), error))
    except CsvmillError as error:
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return _our_fault(request, error, status)
        return _answer(request, status, str(error), error)
    except Exception as error:  # noqa: BLE001 - the last resort, logged
        if isinstance(error, ConnectionError) and client_disconnected(request):
            logger.debug("%s %s: the client went away", request.method, request.path)
            return error_response(HTTPStatus.BAD_REQUEST, "the connection ended")  # for nobody
        return _our_fault(request, error, HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer(
    request: web.Request, status: int, message: str, error: Exception | None = None
) -> web.Response:
    if request.path.startswith(PREFIX):
        response = problem_response(status, message, error)
    else:
        response = error_response(status, message)
    if request.content.exception() is not None:
        response.force_close()  # where the next request would begin is not known
    response.headers.update(request.get(FIELDS, {}))
    return response


async def _last_words(request: web.Request, response: web.Response) -> web.Response:
    """Send the response and close the connection, without waiting for the rest of the body."""
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    if request.transport is not None:
        request.transport.close()
    return response


def _our_fault(request: web.Request, error: Exception, status: HTTPStatus) -> web.Response:
    request_id = current_ids().request_id
    expected = isinstance(error, (Unavailable, StorageFull))
    # Their message says all, to clients too.
    plain = expected or isinstance(error, ResultLost)
    logger.log(
        logging.WARNING if expected else logging.ERROR,
        "%s %s is answered %d, request %s: %s",
        request.method,
        request.path,
        status,
        request_id,
        error,
        exc_info=None if plain else error,
    )
    # What an unexpected error says is for the operator's eyes.
    message = str(error) if plain else f"The server failed; its log says why, see {request_id}"
    response = _answer(request, status, message, error)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response
