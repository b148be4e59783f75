"""What is understood of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.aggregations import NAME as AGGREGATION
from gateway.openapi.parts import JSON, json_answer, operation, problems, ref
from gateway.openapi.schemas import an_object, integer, or_null, text
from gateway.openapi.upload_parts import TAG, UPLOAD_IN_PATH
from shared.errors import (
    HeaderNotReceived,
    InputRemoved,
    InvalidInput,
    UnsupportedMedia,
    UploadNotFound,
)
from shared.inspection.columns import MAX_COLUMNS
from shared.inspection.inspect import REACH
from shared.inspection.sample import SAMPLE

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

COLUMN = an_object(
    {
        "position": integer("From 1", at_least=1),
        "name": text("Of the header; of a long one the beginning"),
        "type": {
            "enum": ["integer", "number", "date", "text", "empty"],
            "description": "As what all cells that are not empty can be read, of those looked at",
        },
        "empty": integer("Cells that are empty"),
        "samples": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The first different texts",
        },
    },
    description="A column, as far as it was looked at.",
)

BAD_RECORD = an_object(
    {
        "line": integer("Where the record begins, from 1", at_least=1),
        "offset": integer("Bytes before it, in the file as it is once it is decompressed"),
        "column": or_null(integer("From 1; null if it is about the record", at_least=1)),
        "name": or_null(text("The column's")),
        "found": text("What stands there"),
        "expected": text("What should"),
    },
    description="Why a record can't be taken.",
)

INSPECTION = an_object(
    {
        "input": {
            **ref("Input"),
            "description": "How the file is written, as it can be sent as `input` of an "
            "`Aggregation`; `header` is null if it has to be said",
        },
        "header_reason": text("Why there is a header or none, or that it has to be said"),
        "bom": {"type": "boolean", "description": "Whether there is a byte order mark"},
        "sep_line": {
            "type": "boolean",
            "description": "Whether the first line is one such as `sep=;`, and no record",
        },
        "line_ends": {
            "type": "array",
            "items": {"enum": ["lf", "crlf", "cr"]},
            "description": "Those that there are, quoted ones too",
        },
        "column_count": integer("Columns of the header"),
        "columns": {
            "type": "array",
            "items": ref("Column"),
            "description": f"The first {MAX_COLUMNS}",
        },
        "rows": integer("Records looked at, without the header and bad ones"),
        "rows_of_several_lines": integer("Those of them that go over several lines"),
        "most_lines": integer("Lines of the longest of these, 1 if there is none", at_least=1),
        "notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Numbers that may be written otherwise than they are read",
        },
        "bytes": integer(
            f"Bytes of text looked at: {SAMPLE} at the most, or {REACH} if the header goes on"
        ),
        "whole": {"type": "boolean", "description": "Whether that is all of the file"},
        "problem_count": integer("Bad records among them"),
        "problems": {"type": "array", "items": ref("BadRecord"), "description": "The first"},
        "error": or_null(text("Why no record can be read, if that is so")),
        "fits": {
            "type": ["boolean", "null"],
            "description": "Whether what is asked is for such a file; null if nothing is",
        },
        "misfit": or_null(text("What of it is not")),
        "output_columns": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "Of the result, if it is",
        },
    },
    description="What is understood of a file by its beginning.",
)

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
    },
    "header_reason": "a column is asked for by its name",
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
    "What is understood of a file",
    tag=TAG,
    description="From its beginning, which has to have been received; the rest need not. What is "
    "asked of it is in the body, or was declared.",
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
        **json_answer(200, "What is understood", ref("Inspection"), example=EXAMPLE),
        **problems(InvalidInput, UnsupportedMedia, UploadNotFound, HeaderNotReceived, InputRemoved),
    },
)

SCHEMAS: Node = {"BadRecord": BAD_RECORD, "Column": COLUMN, "Inspection": INSPECTION}

PATHS: Node = {"/api/v1/uploads/{upload}/inspect": {"post": INSPECT}}
