"""Answers errors: problem details below `/api/v1/`, `{"status": "error", ...}` elsewhere."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web

from gateway.http.problems import PREFIX, problem_response, shortened
from gateway.http.public_url import public_path
from shared.errors import (
    AccessRefused,
    AppendLeaseLost,
    CsvmillError,
    InvalidInput,
    JobDelayed,
    QuotaExceeded,
    ScopeMissing,
    StorageFull,
    TooManyJobs,
    TooManyRequests,
    TooManyUploads,
    Unavailable,
)
from shared.http.connections import client_disconnected
from shared.telemetry.ids import current_ids

logger = logging.getLogger(__name__)

FIELDS = web.RequestKey("fields", dict[str, str])
"""Header fields of the response even if it is an error, such as the Location of an upload."""
CHALLENGE = 'Bearer realm="csvmill"'
"""The `WWW-Authenticate` of answers with 401 (RFC 6750, section 3)."""
RETRY_AFTER = 2
"""Seconds after which a client should repeat a request that was answered so."""
RETRY_WHEN_FULL = 10
"""The same for one that has to wait until another upload or job has ended, which may be longer."""
RETRYABLE = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Statuses with `Retry-After`."""


def error_response(status: int, message: str, **more: str) -> web.Response:
    """Return an error as JSON outside of `/api/v1`: `{"status": "error", "message": ...}`."""
    shown = {"status": "error", "message": shortened(message), **more}
    return web.json_response(shown, status=status)


async def answer_error(request: web.Request, error: Exception) -> web.StreamResponse:
    """Return the answer to a request that has raised `error`; log faults of the service once.

    Raises a redirection, which is an answer.
    """
    match error:
        case web.HTTPException():
            if error.status < HTTPStatus.BAD_REQUEST:
                raise error
            response = _answer(request, error.status, error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        case AccessRefused():
            return _refusal(request, error)
        case AppendLeaseLost():
            response = _answer(request, error.status, str(error), error)
            response.force_close()  # its client hangs, or is another one
            return response
        case CsvmillError():
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return _service_fault(request, error, error.status)
            return _answer(request, error.status, str(error), error)
        case UnicodeEncodeError():
            # Only text from outside has surrogates: what JSON escapes, or bytes that are not UTF-8.
            shown = error.object[error.start : error.end][:80]
            message = f"{shown!r} cannot be encoded as UTF-8"
            return _answer(request, HTTPStatus.BAD_REQUEST, message, InvalidInput(message))
        case ConnectionError() if client_disconnected(request):
            logger.debug("%s %s: the client disconnected", request.method, request.path)
            return error_response(HTTPStatus.BAD_REQUEST, "the connection ended")  # not sent
        case _:
            return _service_fault(request, error, HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer(
    request: web.Request, status: int, message: str, error: Exception | None = None
) -> web.Response:
    if request.path.startswith(PREFIX):
        response = problem_response(status, message, error)
    else:
        response = error_response(status, message)
    if request.content.exception() is not None:
        response.force_close()  # the start of the next request is unknown
    if isinstance(error, JobDelayed) and error.upload_id is not None:
        response.headers["Location"] = public_path(f"/api/v1/uploads/{error.upload_id}")
    if isinstance(error, (TooManyJobs, TooManyUploads)):
        response.headers["Retry-After"] = str(RETRY_WHEN_FULL)
    elif status in RETRYABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    response.headers.update(request.get(FIELDS, {}))
    return response


def _refusal(request: web.Request, error: AccessRefused) -> web.Response:
    logger.info("%s %s is refused, %d: %s", request.method, request.path, error.status, error)
    response = _answer(request, error.status, str(error), error)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = CHALLENGE
    elif isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, ScopeMissing):  # RFC 6750, 3.1
        scopes = " ".join(sorted(error.scopes))
        response.headers["WWW-Authenticate"] = (
            f'{CHALLENGE}, error="insufficient_scope", scope="{scopes}"'
        )
    return response


def _service_fault(request: web.Request, error: Exception, status: int) -> web.Response:
    request_id = current_ids().request_id
    expected = isinstance(error, (Unavailable, StorageFull, QuotaExceeded))
    public = isinstance(error, CsvmillError) and error.public
    logger.log(
        logging.WARNING if expected else logging.ERROR,
        "%s %s is answered %d, request %s: %s",
        request.method,
        request.path,
        status,
        request_id,
        error,
        exc_info=None if public else error,
    )
    # The message of an unexpected error may contain secrets: only the log shows it.
    message = (
        str(error) if public else f"Internal error; the server's log has the details: {request_id}"
    )
    return _answer(request, status, message, error)
