"""Passes ids on in the headers of HTTP requests and of AMQP messages."""

from __future__ import annotations

import re
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.telemetry.ids import Ids, current_ids
from shared.telemetry.trace_context import parse_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import CIMultiDict, CIMultiDictProxy

REQUEST_ID = "X-Request-Id"
UPLOAD_ID = "Csvmill-Upload-Id"
JOB_ID = "Csvmill-Job-Id"
ATTEMPT = "Csvmill-Attempt"
"""Headers between our services. From clients, only the request id and the trace are accepted."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


def outgoing_headers() -> dict[str, str]:
    """Return the headers with the current ids for a request to another service of ours."""
    ids = current_ids()
    headers = {
        REQUEST_ID: ids.request_id,
        UPLOAD_ID: ids.upload_id,
        JOB_ID: ids.job_id,
        ATTEMPT: ids.attempt,
        **_trace_fields(ids),
    }
    return {name: str(value) for name, value in headers.items() if value is not None}


def ids_of_request(headers: CIMultiDictProxy[str] | CIMultiDict[str], *, internal: bool) -> Ids:
    """Return the ids in the headers of a request; upload, job and attempt if `internal`.

    Malformed ids count as missing. A request without an id gets a new one.
    """
    request_id = headers.get(REQUEST_ID, "")
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = token_hex(16)
    trace = parse_trace(headers.getall("traceparent", []), headers.getall("tracestate", []))
    if not internal:
        return Ids(request_id, trace=trace)
    attempt = headers.get(ATTEMPT, "")
    return Ids(
        request_id,
        _uuid(headers.get(UPLOAD_ID)),
        _uuid(headers.get(JOB_ID)),
        int(attempt) if _ATTEMPT.fullmatch(attempt) else None,
        trace,
    )


def outgoing_properties() -> dict[str, str]:
    """Return the AMQP headers with the current ids for a wake-up.

    Without the job's id, which the message has, and the attempt, as the next one is another.
    """
    ids = current_ids()
    found = {
        "request_id": ids.request_id,
        "upload_id": ids.upload_id,
        **_trace_fields(ids),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def ids_of_message(properties: Mapping[str, Any], job_id: UUID) -> Ids:
    """Return the ids in the AMQP headers of a wake-up. Malformed ids count as missing."""
    request_id = properties.get("request_id")
    known = isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id)
    trace = parse_trace(
        [text for text in (properties.get("traceparent"),) if isinstance(text, str)],
        [text for text in (properties.get("tracestate"),) if isinstance(text, str)],
    )
    return Ids(
        request_id if known else None, _uuid(properties.get("upload_id")), job_id, trace=trace
    )


def _trace_fields(ids: Ids) -> dict[str, str | None]:
    if ids.trace is None:
        return {}
    return {"traceparent": ids.trace.traceparent, "tracestate": ids.trace.state or None}


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
