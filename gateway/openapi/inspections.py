"""Inspections of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.inspections.form import AGGREGATION as AGGREGATION_PART
from gateway.inspections.form import FILE, SIZE
from gateway.openapi.aggregations import NAME as AGGREGATION
from gateway.openapi.nodes import integer, or_null, text
from gateway.openapi.parts import JSON, json_answer, operation, problems, ref
from gateway.openapi.upload_parts import TAG, UPLOAD_IN_PATH
from shared.errors import (
    BodyTooSlow,
    HeaderNotReceived,
    InputRemoved,
    InvalidInput,
    JobDelayed,
    TooBusy,
    TooManyInspections,
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
    "misfit_field": "group_by[0].column",
    "default_fits": False,
    "sample_rows": [{"line": 2, "cells": ["Umbrella"]}],
    "warnings": [],
}

FORM: Node = {
    "type": "object",
    "description": "The start of a file, in any order of the parts.",
    "properties": {
        AGGREGATION_PART: {
            "description": "What to try on the file",
            **ref(AGGREGATION),
        },
        SIZE: integer(
            "The bytes of the whole file. Without it, a `file` shorter than 1 MiB is the whole file"
        ),
        FILE: text("The first bytes of the file, at most 1 MiB", format="binary"),
    },
    "required": [FILE],
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
        **problems(
            InvalidInput,
            UnsupportedMedia,
            UploadNotFound,
            HeaderNotReceived,
            InputRemoved,
            JobDelayed,
        ),
    },
)

INSPECT_SAMPLE = operation(
    "inspectSample",
    "Inspect a sample of a file",
    tag=TAG,
    description="The same for the start of a file that is not uploaded, such as one that a person "
    "has just chosen. Nothing is stored.",
    body={
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": FORM,
                "example": {
                    AGGREGATION_PART: {"group_by": ["Sogn"]},
                    SIZE: 1000,
                    FILE: "Song;Plays\r\nUmbrella;3\r\n",
                },
                "encoding": {
                    AGGREGATION_PART: {"contentType": JSON},
                    FILE: {"contentType": "text/csv"},
                },
            }
        },
    },
    answers={
        **json_answer(200, "The inspection", ref("Inspection"), example=EXAMPLE),
        **problems(InvalidInput, BodyTooSlow, HeaderNotReceived, TooManyInspections, TooBusy),
    },
)

PATHS: Node = {
    "/api/v1/inspections": {"post": INSPECT_SAMPLE},
    "/api/v1/uploads/{upload}/inspect": {"post": INSPECT},
}
