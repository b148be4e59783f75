"""Downloads: the answers of RFC 9110 at both URLs of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.parts import JSON, header, parameter, problem_content, ref
from shared.aggregation.formats import FORMATS
from shared.errors import NotAcceptable
from shared.http.conditions import IDENTITY
from shared.http.content_codings import CODINGS
from shared.http.download import REFUSALS

if TYPE_CHECKING:
    from gateway.openapi.parts import Node
    from shared.errors import CsvmillError

RESULT_TEXT = "Song,Date,Total Number of Plays for Date\nUmbrella,2020-01-02,300\n"
REJECTS_TEXT = (
    "line,offset,column,reason,record\n"
    '2,26,3,"found \'many\', expected an integer, such as 42 or -7","Umbrella,2020-01-02,many"\n'
)
ETAG = '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'

_STRING: Node = {"type": "string"}
# Binary content has no schema (OpenAPI 3.1, 4.8.14.3).
_RESULTS: Node = {
    output.media_type.partition(";")[0]: {} if output.compressed else {"schema": _STRING}
    for output in FORMATS.values()
}

HEADERS: Node = {
    "Accept-Ranges": header("`bytes`, if the result is not compressed", {"const": "bytes"}),
    "Cache-Control": header("How long to cache the result; results never change"),
    "Content-Digest": header("SHA-256 of the content of this answer (RFC 9530)"),
    "Content-Disposition": header("An attachment, named after the uploaded file"),
    "Content-Encoding": header("The content coding, if any", {"enum": list(CODINGS)}),
    "Content-Range": header("The range of this answer, or the size of the result"),
    "ETag": header(
        "SHA-256 of the result in hexadecimal, quoted; weak if there is a content coding"
    ),
    "Last-Modified": header("When the job ended"),
    "Repr-Digest": header("SHA-256 of the whole result (RFC 9530)"),
    "Vary": header("The request fields that the answer depends on"),
}
"""Header fields that only some answers have, depending on the request."""

_CACHED = ("Cache-Control", "ETag", "Last-Modified", "Vary")
_WHOLE = (*_CACHED, "Accept-Ranges", "Content-Disposition", "Repr-Digest", "Content-Digest")


def result_parameters(*, encoded: bool) -> list[Node]:
    """Return the header fields that select the answer."""
    found = [
        parameter(
            "Range",
            "header",
            "One or more byte ranges (RFC 9110, 14.2). Other values are ignored.",
            _STRING,
            example="bytes=41-48",
        ),
        parameter("If-Range", "header", "Ignore `Range` unless the result is this one", _STRING),
        parameter("If-Match", "header", "Answer 412 unless the result is one of these", _STRING),
        parameter("If-None-Match", "header", "Answer 304 if the result is one of these", _STRING),
        parameter("If-Modified-Since", "header", "Answer 304 if the result is not newer", _STRING),
        parameter("If-Unmodified-Since", "header", "Answer 412 if the result is newer", _STRING),
        parameter(
            "Want-Repr-Digest", "header", "`sha-256=0` omits `Repr-Digest` (RFC 9530)", _STRING
        ),
        parameter(
            "Want-Content-Digest",
            "header",
            "`sha-256=1` requests `Content-Digest` for ranges up to 1 MiB too (RFC 9530)",
            _STRING,
        ),
    ]
    if encoded:
        found.append(
            parameter(
                "encoding",
                "query",
                "`identity` omits the content coding, so that a link to the URL is a download that "
                "any browser can resume",
                {"const": IDENTITY},
            )
        )
        found.append(
            parameter(
                "Accept-Encoding",
                "header",
                f"The accepted content codings: {' or '.join(CODINGS)}. A browser that follows a "
                "link gets none.",
                _STRING,
                example="gzip",
            )
        )
    return found


def result_answers(
    *, as_problems: bool, whole: str = RESULT_TEXT, part: str = "Umbrella", csv_only: bool = False
) -> Node:
    """Return 200, 206, 304, 412, 416, and where there are content codings 307 and 406.

    `whole` is an example of the content, and `part` a part of it.
    """
    formats = {} if csv_only else _RESULTS
    of_whole = [*_WHOLE, "Content-Encoding"] if as_problems else _WHOLE
    answers: Node = {
        "200": {
            "description": "The result",
            "headers": _headers(*of_whole),
            "content": {**formats, "text/csv": {"schema": _STRING, "example": whole}},
        },
        "206": {
            "description": "One or more ranges of the result",
            "headers": _headers(*_WHOLE, "Content-Range"),
            "content": {
                **formats,
                "text/csv": {"schema": _STRING, "example": part},
                "multipart/byteranges": {"schema": _STRING},
            },
        },
        "307": {
            "description": "The same bytes are at a URL of object storage, which is valid for a "
            "short time. Send `Range` there, and no `Authorization`. Only if the operator has set "
            "so, and to requests without conditions, several ranges or a content coding",
            "headers": {
                "Location": header("A presigned URL"),
                "Cache-Control": ref("Cache-Control", "headers"),
            },
        },
        "304": {"description": "The client already has this result", "headers": _headers(*_CACHED)},
    }
    if not as_problems:  # the first clients are not redirected
        del answers["307"]
    for kind, message in REFUSALS.items():
        if kind is NotAcceptable and not as_problems:
            continue
        fields = ("ETag", "Last-Modified", "Vary", "Content-Range")
        answers[str(kind.status)] = {
            "description": message,
            "headers": _headers(*fields),
            "content": _refusal(kind, message, as_problems=as_problems),
        }
    return answers


def _refusal(kind: type[CsvmillError], message: str, *, as_problems: bool) -> Node:
    if as_problems:
        return problem_content(kind.status, [kind])
    return {JSON: {"schema": ref("Error"), "example": {"status": "error", "message": message}}}


def _headers(*names: str) -> Node:
    return {name: ref(name, "headers") for name in names}
