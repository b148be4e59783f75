"""Errors of `/api/v1`: problem details (RFC 9457), with types that clients may rely on."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import (
    AppendLeaseLost,
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
    HeaderNotReceived,
    IdempotencyKeyReused,
    InconsistentLength,
    InputRemoved,
    InvalidInput,
    JobFinished,
    JobNotFailed,
    JobNotFound,
    NoPreview,
    NoResult,
    NotAcceptable,
    OffsetConflict,
    PreconditionFailed,
    RangeNotSatisfiable,
    ResultExpired,
    ResultLost,
    SizeConflict,
    SpecMismatch,
    StorageFull,
    TooManySubscriptions,
    Unavailable,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadCompleted,
    UploadGone,
    UploadNotFound,
    UploadTooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/api/v1/"
"""Where errors are problem details."""
TYPE_PREFIX = "urn:csvmill:problem:"
IANA_PREFIX = "https://iana.org/assignments/http-problem-types#"
"""Where the types of problems begin that a standard defines."""
STANDARD: dict[type[CsvmillError], str] = {
    OffsetConflict: "mismatching-upload-offset",
    UploadCompleted: "completed-upload",
    InconsistentLength: "inconsistent-upload-length",
}
"""The problems of draft-ietf-httpbis-resumable-upload, section 7 of -10."""

TITLES: dict[type[CsvmillError], str] = {
    InvalidInput: "What was sent cannot be accepted",
    UploadTooLarge: "The file is larger than this service takes",
    UnsupportedMedia: "The body is of another kind, or encoded otherwise, than is taken",
    UnsupportedVersion: "Another version of the protocol is spoken here",
    NotAcceptable: "There is no such content coding",
    PreconditionFailed: "What is there is another than the condition names",
    RangeNotSatisfiable: "The range begins beyond the end",
    JobNotFound: "There is no such job",
    UploadNotFound: "There is no such upload",
    JobFinished: "The job has ended already",
    JobNotFailed: "Only a job that failed can be retried",
    NoResult: "The job has no result, or none yet",
    NoPreview: "No first rows of the job's result were kept",
    ResultExpired: "The result is not kept any longer",
    ResultLost: "The result is lost",
    InputRemoved: "The job's input is not kept any longer",
    ChunkOutOfBounds: "The chunk reaches beyond the end of the upload",
    ChunkDigestMismatch: "The chunk is not what its digest says",
    OffsetConflict: "Mismatching Upload Offset",
    UploadCompleted: "Upload Is Completed",
    InconsistentLength: "Inconsistent Upload Length Values",
    SizeConflict: "The upload has another size",
    SpecMismatch: "The aggregation is not for this file",
    HeaderNotReceived: "Too little of the upload has been received yet",
    AppendLeaseLost: "Another request has taken the upload over",
    UploadGone: "The upload is not kept any longer",
    DigestMismatch: "The file is not what its digest says",
    IdempotencyKeyReused: "The idempotency key stands for another request",
    StorageFull: "There is no room left",
    TooManySubscriptions: "Too many clients follow jobs at the moment",
    Unavailable: "A part of the service does not answer",
}
"""The problems that have a type of their own; any other is what its status says."""


def type_of(kind: type[CsvmillError]) -> str:
    """The problem type of a class that `TITLES` lists."""
    if kind in STANDARD:
        return IANA_PREFIX + STANDARD[kind]
    return TYPE_PREFIX + kind.code.replace("_", "-")


def type_and_title(kind: type[Exception], status: int) -> tuple[str, str]:
    """The type and the title of a class of errors: those of the nearest class in `TITLES`.

    Else `about:blank`, whose title is the status's reason phrase (RFC 9457, 4.2.1).
    """
    for base in kind.__mro__:
        if base in TITLES:
            return type_of(base), TITLES[base]
    return "about:blank", HTTPStatus(status).phrase


_REFUSALS: dict[HTTPStatus, type[CsvmillError]] = {
    HTTPStatus.NOT_ACCEPTABLE: NotAcceptable,
    HTTPStatus.PRECONDITION_FAILED: PreconditionFailed,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: RangeNotSatisfiable,
}


def refusal(status: HTTPStatus) -> type[CsvmillError]:
    """The error that a download is refused with: 406, 412 or 416."""
    return _REFUSALS[status]


def refuse(status: HTTPStatus, message: str) -> web.Response:
    """How downloads are refused, as `shared.http.downloads` has it."""
    return problem_response(status, message, refusal(status)(message))


def problem_response(
    status: int, detail: str | None, error: Exception | None = None
) -> web.Response:
    """An error as `application/problem+json`; `error` decides on its type."""
    type_, title = type_and_title(type(error) if error else Exception, status)
    problem: dict[str, str | int] = {"type": type_, "title": title, "status": int(status)}
    if detail and detail != title:
        problem["detail"] = detail
    problem.update({name: value for name, value in _members(error) if value is not None})
    return web.json_response(problem, status=status, content_type="application/problem+json")


def _members(error: Exception | None) -> Iterator[tuple[str, str | int | None]]:
    """What programs may want to know of a problem besides its type."""
    if isinstance(error, InvalidInput):
        yield "field", error.field
    elif isinstance(error, OffsetConflict):
        yield "expected-offset", error.expected
        yield "provided-offset", error.provided
