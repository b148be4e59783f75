"""The report of a job, and what is wrong with its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.schemas import an_object, integer, or_null, text
from shared.jobs.preview import MAX_ROWS

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

PROBLEM_OF_FILE = an_object(
    {
        "line": integer("Where the record begins", at_least=1),
        "offset": integer("Bytes of the file, decompressed, before the record"),
        "column": or_null(integer("From 1; null if it is about the record", at_least=1)),
        "name": or_null(text("The column's in the header")),
        "found": text("What stands there, cut if it is long"),
        "expected": text("What should stand there"),
    },
    description="What is wrong with a record of the file.",
)

REPORT = an_object(
    {
        "dialect": {
            "type": ["object", "null"],
            "description": "How the file is written, as it was read; null if the attempt was over "
            "before that was known",
            "properties": {
                "bom": {
                    "type": ["boolean", "null"],
                    "description": "Whether it begins with a byte order mark; null if it was not "
                    "looked for",
                },
                "line_ends": {
                    "type": ["array", "null"],
                    "items": {"enum": ["lf", "crlf", "cr"]},
                    "description": "Those that its first MiB has; null if they were not looked for",
                },
            },
            "additionalProperties": {"type": ["string", "boolean"]},
        },
        "engine": text("What computed the result"),
        "engine_version": text("Its version"),
        "plan": text("`fast`, or `exact`, which decides where the fast one has a doubt"),
        "rows_in": or_null(
            integer("Records of the file, without the header: the sum of the next three")
        ),
        "rows_aggregated": or_null(integer("Those that count")),
        "rows_filtered": or_null(integer("Those that `where` left out")),
        "rows_rejected": or_null(integer("Those that break a rule")),
        "rows_of_several_lines": or_null(
            integer("Records that go over several lines; null if the plan cannot tell")
        ),
        "most_lines": or_null(integer("Lines of the longest of them, 1 if there is none")),
        "groups": or_null(integer("Rows of the result, without the header")),
        "bytes_in": integer("Bytes of the file as it was uploaded"),
        "bytes_decompressed": or_null(integer("Bytes of the file, once it was decompressed")),
        "bytes_out": or_null(integer("Bytes of the result")),
        "seconds": an_object(
            {
                stage: {"type": "number", "minimum": 0, "description": words}
                for stage, words in (
                    ("queue", "From the making of the job to this attempt"),
                    ("aggregate", "Reading and grouping"),
                    ("write", "Sorting and writing the result"),
                    ("store", "Sending the result to storage"),
                )
            },
            description="How long each stage took",
        ),
        "peak_memory": integer("Bytes of memory that the engine had at the most"),
        "peak_scratch": integer("Bytes of disk that the engine had at the most"),
        "attempts": integer("How many attempts it took, those given back included", at_least=1),
    },
    description="What the latest attempt has found and used, once it has ended. Rows, groups and "
    "the bytes that follow from them are null if it was over before the file was: for want of "
    "memory, disk or time, or as its process was killed.",
)

PREVIEW = an_object(
    {
        "columns": {
            "type": "array",
            "items": an_object(
                {
                    "name": text("As in the result"),
                    "type": {
                        "enum": ["text", "integer", "number", "date"],
                        "description": "What the column holds",
                    },
                }
            ),
        },
        "rows": {
            "type": "array",
            "maxItems": MAX_ROWS,
            "items": {"type": "array", "items": {"type": ["string", "number", "null"]}},
        },
        "truncated": {"type": "boolean", "description": "Whether the result has more rows"},
    },
    description="The first rows of a result.",
)

PREVIEW_EXAMPLE: Node = {
    "columns": [
        {"name": "Song", "type": "text"},
        {"name": "Date", "type": "text"},
        {"name": "Total Number of Plays for Date", "type": "integer"},
    ],
    "rows": [["Umbrella", "2020-01-02", 300], ["Yellow", "2020-01-02", "12345678901234567890"]],
    "truncated": False,
}

SCHEMAS: Node = {"FileProblem": PROBLEM_OF_FILE, "Preview": PREVIEW, "Report": REPORT}
