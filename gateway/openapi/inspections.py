"""Inspections of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.aggregations import NAME as AGGREGATION
from gateway.openapi.parts import JSON, json_answer, operation, problems, ref
from gateway.openapi.schemas import or_null
from gateway.openapi.upload_parts import TAG, UPLOAD_IN_PATH
from shared.errors import (
    HeaderNotReceived,
    InputRemoved,
    InvalidInput,
    UnsupportedMedia,
    UploadNotFound,
)

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

EXAMPLE: Node = {
    "input": {
        "compression": "none",
        "encoding": "utf-8",
        "delimiter": ";",
        "quote": '"',
        "escape": "",
        "header": True,
        "line_end": "lf",
        "decimal": ".",
        "thousands": "",
        "null": [],
        "number": {"currency": False, "percent": False, "parentheses": "text"},
        "date": "iso",
    },
    "header_reason": "the spec names a column",
    "bom": False,
    "sep_line": False,
    "line_ends": ["crlf"],
    "column_count": 1,
    "columns": [
        {"position": 1, "name": "Song", "type": "text", "empty": 0, "samples": ["Umbrella"]}
    ],
    "rows": 1,
    "rows_of_several_lines": 0,
    "most_lines": 1,
    "notes": [],
    "proposal": None,
    "proposal_reasons": [],
    "bytes": 16,
    "whole": False,
    "problem_count": 0,
    "problems": [],
    "error": None,
    "fits": False,
    "misfit": "group_by[0].column is 'Sogn': no column has this name; did you mean 'Song'?",
    "output_columns": None,
}

INSPECT = operation(
    "inspectUpload",
    "Inspect the start of a file",
    tag=TAG,
    description="Only the start of the file has to have been received. The aggregation is the one "
    "in the body, or the one declared with the upload.",
    parameters=[UPLOAD_IN_PATH],
    body={
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {"aggregation": or_null(ref(AGGREGATION))},
                    "additionalProperties": False,
                },
                "example": {"aggregation": {"group_by": ["Sogn"]}},
            }
        }
    },
    answers={
        **json_answer(200, "The inspection", ref("Inspection"), example=EXAMPLE),
        **problems(InvalidInput, UnsupportedMedia, UploadNotFound, HeaderNotReceived, InputRemoved),
    },
)

PATHS: Node = {"/api/v1/uploads/{upload}/inspect": {"post": INSPECT}}
