"""Answers errors: problem details below `/api/v1/`, `{"status": "error", ...}` elsewhere."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.closing import close_unread
from gateway.http.problems import PREFIX, problem_response, shortened
from shared.errors import (
    AccessRefused,
    AppendLeaseLost,
    CsvmillError,
    InvalidInput,
    IssuerUnavailable,
    QuotaExceeded,
    ScopeMissing,
    StorageFull,
    TooManyJobs,
    TooManyRequests,
    TooManyUnknownKeys,
    TooManyUploads,
    Unavailable,
)
from shared.http.connections import client_disconnected
from shared.telemetry.ids import current_ids

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

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


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn any exception of a handler into a response; log faults of the service once."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise
        response = _answer(request, answer.status, answer.reason)
        if "Allow" in answer.headers:
            response.headers["Allow"] = answer.headers["Allow"]
        return response
    except AccessRefused as error:
        return await close_unread(request, _refusal(request, error))
    except (TooManyUnknownKeys, IssuerUnavailable) as error:
        return await close_unread(request, _service_fault(request, error, error.status))
    except AppendLeaseLost as error:
        return await _send_and_close(request, _answer(request, error.status, str(error), error))
    except CsvmillError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return _service_fault(request, error, error.status)
        return _answer(request, error.status, str(error), error)
    except UnicodeEncodeError as error:
        # Only text from outside has surrogates: what JSON escapes, or bytes that are not UTF-8.
        message = f"{error.object[error.start : error.end][:80]!r} is no text that can be encoded"
        return _answer(request, HTTPStatus.BAD_REQUEST, message, InvalidInput(message))
    except Exception as error:  # noqa: BLE001 - the last resort, logged
        if isinstance(error, ConnectionError) and client_disconnected(request):
            logger.debug("%s %s: the client disconnected", request.method, request.path)
            return error_response(HTTPStatus.BAD_REQUEST, "the connection ended")  # not sent
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


async def _send_and_close(request: web.Request, response: web.Response) -> web.Response:
    """Send the response and close the connection without reading the rest of the body."""
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    if request.transport is not None:
        request.transport.close()
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
