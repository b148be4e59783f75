"""Errors of `/api/v1` as problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import (
    CsvmillError,
    InvalidInput,
    NotAcceptable,
    OffsetConflict,
    PreconditionFailed,
    RangeNotSatisfiable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/api/v1/"
"""Paths below this answer errors as problem details."""

_REFUSALS: dict[int, type[CsvmillError]] = {
    kind.status: kind for kind in (NotAcceptable, PreconditionFailed, RangeNotSatisfiable)
}


def refusal(status: HTTPStatus) -> type[CsvmillError]:
    """Return the error of a download that is refused with 406, 412 or 416."""
    return _REFUSALS[status]


def refuse(status: HTTPStatus, message: str) -> web.Response:
    """Refuse a download: the `refuse` of a `shared.http.download.Download`."""
    return problem_response(status, message, refusal(status)(message))


def title_of(kind: type[CsvmillError], status: int) -> str:
    """Return the title of a problem; the reason phrase if it has no type (RFC 9457, 4.2.1)."""
    return kind.title or HTTPStatus(status).phrase


def problem_response(
    status: int, detail: str | None, error: Exception | None = None
) -> web.Response:
    """Return an error as `application/problem+json`, with the type of `error`."""
    kind = type(error) if isinstance(error, CsvmillError) else CsvmillError
    title = title_of(kind, status)
    problem: dict[str, str | int] = {
        "type": kind.problem_type,
        "title": title,
        "status": int(status),
    }
    if detail and detail != title:
        problem["detail"] = detail
    problem.update({name: value for name, value in _members(error) if value is not None})
    return web.json_response(problem, status=status, content_type="application/problem+json")


def _members(error: Exception | None) -> Iterator[tuple[str, str | int | None]]:
    """Return the members that only some problem types have."""
    if isinstance(error, InvalidInput):
        yield "field", error.field
    elif isinstance(error, OffsetConflict):
        yield "expected-offset", error.expected
        yield "provided-offset", error.provided
