"""Errors of `/api/v1` as problem details (RFC 9457)."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from shared.api.problem import ProblemDetails
from shared.errors import CsvmillError, InvalidInput, OffsetConflict

PREFIX = "/api/v1/"
"""Paths below this answer errors as problem details."""

MOST_SHOWN = 4000
"""Characters of the longest text of an error: a request of a megabyte is not shown in its answer,
which is held until the client has taken it."""
END_SHOWN = 1000
"""As many of these characters are the last ones."""


def shortened(text: str) -> str:
    """Return a text of an error. The middle of a long one is left out: what to do is at its end."""
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[: MOST_SHOWN - END_SHOWN]} ... {text[-END_SHOWN:]}"


def refuse(error: CsvmillError) -> web.Response:
    """Refuse a download: the `refuse` of a `shared.http.download.Download`."""
    return problem_response(error.status, str(error), error)


def title_of(kind: type[CsvmillError], status: int) -> str:
    """Return the title of a problem; the reason phrase if it has no type (RFC 9457, 4.2.1)."""
    return kind.title or HTTPStatus(status).phrase


def problem_response(
    status: int, detail: str | None, error: Exception | None = None
) -> web.Response:
    """Return an error as `application/problem+json`, with the type of `error`."""
    kind = type(error) if isinstance(error, CsvmillError) else CsvmillError
    title = title_of(kind, status)
    problem = ProblemDetails(kind.problem_type, title, int(status))
    if detail and detail != title:
        problem = replace(problem, detail=shortened(detail))
    if isinstance(error, InvalidInput) and error.field is not None:
        problem = replace(problem, field=shortened(error.field))
    elif isinstance(error, OffsetConflict):
        problem = replace(problem, expected_offset=error.expected, provided_offset=error.provided)
    return web.json_response(
        problem.as_json(), status=status, content_type="application/problem+json"
    )
