"""Downloads: the answers of RFC 9110 that both URLs of a result have."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.http.problems import refusal
from gateway.openapi.parts import JSON, header, parameter, problem_content, ref
from shared.aggregation.formats import FORMATS
from shared.http.content_codings import CODINGS
from shared.http.download import REFUSALS

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

RESULT_TEXT = "Song,Date,Total Number of Plays for Date\nUmbrella,2020-01-02,300\n"
REJECTS_TEXT = (
    "line,offset,column,reason,record\n"
    '2,26,3,"found \'many\', expected an integer, such as 42 or -7","Umbrella,2020-01-02,many"\n'
)
ETAG = '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'

_STRING: Node = {"type": "string"}
# What is binary has no schema (OpenAPI 3.1, 4.8.14.3).
_RESULTS: Node = {
    output.media_type.partition(";")[0]: {} if output.compressed else {"schema": _STRING}
    for output in FORMATS.values()
}

HEADERS: Node = {
    "Accept-Ranges": header("`bytes`, if the result is not compressed", {"const": "bytes"}),
    "Cache-Control": header("Results never change"),
    "Content-Digest": header("SHA-256 of the bytes of this answer (RFC 9530)"),
    "Content-Disposition": header("An attachment, named as the file that was uploaded"),
    "Content-Encoding": header("How the result is compressed, if it is", {"enum": list(CODINGS)}),
    "Content-Range": header("Which bytes these are, or how many there are"),
    "ETag": header("SHA-256 of the result in hexadecimal, quoted; weak if it is compressed"),
    "Last-Modified": header("When the job ended"),
    "Repr-Digest": header("SHA-256 of the whole result (RFC 9530)"),
    "Vary": header("What the answer depends on"),
}
"""Fields that only some answers have, as it depends on the request."""

_CACHED = ("Cache-Control", "ETag", "Last-Modified", "Vary")
_WHOLE = (*_CACHED, "Accept-Ranges", "Content-Disposition", "Repr-Digest", "Content-Digest")


def result_parameters(*, encoded: bool) -> list[Node]:
    """The fields of a request that decide about the answer."""
    found = [
        parameter(
            "Range",
            "header",
            "Which bytes (RFC 9110, 14.2); one range or several. Anything else gets the whole.",
            _STRING,
            example="bytes=41-48",
        ),
        parameter("If-Range", "header", "The whole, if it is not this one any longer", _STRING),
        parameter("If-Match", "header", "412, if it is not one of these", _STRING),
        parameter("If-None-Match", "header", "304, if it is one of these", _STRING),
        parameter("If-Modified-Since", "header", "304, if it is not newer", _STRING),
        parameter("If-Unmodified-Since", "header", "412, if it is newer", _STRING),
        parameter(
            "Want-Repr-Digest", "header", "`sha-256=0` leaves the field out (RFC 9530)", _STRING
        ),
        parameter(
            "Want-Content-Digest",
            "header",
            "`sha-256=1` asks for it with parts of up to 1 MiB too (RFC 9530)",
            _STRING,
        ),
    ]
    if encoded:
        found.append(
            parameter(
                "Accept-Encoding",
                "header",
                f"How it may be compressed: {' or '.join(CODINGS)}",
                _STRING,
                example="gzip",
            )
        )
    return found


def result_answers(
    *, as_problems: bool, whole: str = RESULT_TEXT, part: str = "Umbrella", csv_only: bool = False
) -> Node:
    """200, 206, 304, 412, 416, and 406 where there are content codings.

    `whole` is an example, of which `part` is a part.
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
            "description": "A range of the result, or several",
            "headers": _headers(*_WHOLE, "Content-Range"),
            "content": {
                **formats,
                "text/csv": {"schema": _STRING, "example": part},
                "multipart/byteranges": {"schema": _STRING},
            },
        },
        "304": {"description": "It is the one that the client has", "headers": _headers(*_CACHED)},
    }
    for status, words in REFUSALS.items():
        if status is HTTPStatus.NOT_ACCEPTABLE and not as_problems:
            continue
        fields = ("ETag", "Last-Modified", "Vary", "Content-Range")
        answers[str(int(status))] = {
            "description": words,
            "headers": _headers(*fields),
            "content": _refusal(status, words, as_problems=as_problems),
        }
    return answers


def _refusal(status: HTTPStatus, words: str, *, as_problems: bool) -> Node:
    if as_problems:
        return problem_content(status, [refusal(status)])
    return {JSON: {"schema": ref("Error"), "example": {"status": "error", "message": words}}}


def _headers(*names: str) -> Node:
    return {name: ref(name, "headers") for name in names}
