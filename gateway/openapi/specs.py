"""`/api/v1/specs`: saved specs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import aggregations
from gateway.openapi.parts import (
    JSON,
    header,
    json_answer,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from shared.errors import InvalidInput, PreconditionFailed, SpecNotFound, TooManySpecs
from shared.jobs.saved_spec import MAX_SPECS, NAME_PATTERN

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

TAG = "Saved specs"
_VERSION = "9f3f2d1c5f0e4b7b8a432b9d8f2b8c55"
_TIMES = {"created_at": "2026-01-02T03:04:05.678Z", "changed_at": "2026-01-03T03:04:05.678Z"}
_EXAMPLE: Node = {
    "name": "plays-by-song",
    "aggregation": aggregations.AGGREGATION_EXAMPLE,
    **_TIMES,
}
_NAME = parameter(
    "name",
    "path",
    "The name of a saved spec",
    {"type": "string", "pattern": NAME_PATTERN},
    example="plays-by-song",
)
_ETAG = {"ETag": header("The version of the spec, for `If-Match`")}
_IF_MATCH = parameter(
    "If-Match", "header", "Answer 412 unless the spec has one of these tags", {"type": "string"}
)
_IF_NEW = parameter(
    "If-None-Match", "header", "`*`: answer 412 if there is a spec of this name", {"const": "*"}
)

LIST = operation(
    "listSpecs",
    "List the saved specs",
    tag=TAG,
    description="Their names, in order.",
    answers={
        **json_answer(
            200,
            "All saved specs of the tenant",
            ref("SpecList"),
            example={"specs": [{"name": "plays-by-song", **_TIMES, "etag": f'"{_VERSION}"'}]},
        ),
        **problems(),
    },
)
SHOW = operation(
    "showSpec",
    "Show a saved spec",
    tag=TAG,
    parameters=[
        _NAME,
        parameter(
            "If-None-Match", "header", "Answer 304 if the spec has one of these tags",
            {"type": "string"},
        ),
        _IF_MATCH,
    ],
    answers={
        **json_answer(200, "The spec", ref("Spec"), example=_EXAMPLE, headers=_ETAG),
        "304": {"description": "The spec has one of these tags", "headers": _ETAG},
        **problems(SpecNotFound, PreconditionFailed),
    },
)  # fmt: skip
SAVE = operation(
    "saveSpec",
    "Save a spec, or replace it",
    tag=TAG,
    description="Jobs that were created with the name stay as they are. A tenant has at most "
    f"{MAX_SPECS} saved specs.",
    parameters=[_NAME, _IF_MATCH, _IF_NEW],
    body={
        "required": True,
        "content": {
            JSON: {
                "schema": ref(aggregations.NAME),
                "example": aggregations.AGGREGATION_EXAMPLE,
            }
        },
    },
    answers={
        **json_answer(200, "It is replaced", ref("Spec"), example=_EXAMPLE, headers=_ETAG),
        **json_answer(
            201,
            "It is saved",
            ref("Spec"),
            example=_EXAMPLE,
            headers={
                **_ETAG,
                "Location": header(
                    "Path of the spec", {"type": "string", "format": "uri-reference"}
                ),
            },
        ),
        **problems(InvalidInput, PreconditionFailed, TooManySpecs),
    },
)
DELETE = operation(
    "deleteSpec",
    "Delete a saved spec",
    tag=TAG,
    description="Jobs that were created with the name stay as they are.",
    parameters=[_NAME, _IF_MATCH],
    answers={
        "204": {"description": "The spec is deleted"},
        **problems(InvalidInput, SpecNotFound, PreconditionFailed),
    },
)

PATHS: Node = {
    "/api/v1/specs": reading(LIST),
    "/api/v1/specs/{name}": {**reading(SHOW), "put": SAVE, "delete": DELETE},
}
