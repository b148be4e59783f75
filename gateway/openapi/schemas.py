"""What JSON bodies consist of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import aggregations
from gateway.openapi.parts import ref
from gateway.protocols.native.view import MAX_RANGES
from shared.csv.problems import SHOWN_PROBLEMS
from shared.errors import TYPE_PREFIX, JobNotFound, error_classes
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

JOB_ID = "9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55"
UPLOAD_ID = "3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CRASHED = "the engine's process was killed by SIGKILL (signal 9)"

STATES = [state.value for state in JobState]
OUTCOMES = ["success", "failure", "lost", "released", "revoked"]


def an_object(properties: Node, *, description: str = "", optional: tuple[str, ...] = ()) -> Node:
    """An object of which every key but the `optional` ones is always there."""
    node: Node = {"type": "object"}
    if description:
        node["description"] = description
    node["properties"] = properties
    node["required"] = [name for name in properties if name not in optional]
    return node


def integer(description: str, *, at_least: int = 0) -> Node:
    """A number of bytes, rows or tries."""
    return {"type": "integer", "minimum": at_least, "description": description}


def text(description: str, **more: object) -> Node:
    """A string."""
    return {"type": "string", "description": description, **more}


def or_null(node: Node) -> Node:
    """What may not apply, or not yet."""
    if "$ref" in node:
        return {"oneOf": [node, {"type": "null"}]}
    return {**node, "type": [node["type"], "null"]}


def time(description: str) -> Node:
    """When something happened (RFC 3339), in UTC."""
    return text(description, format="date-time")


RESULT = an_object(
    {
        "size": integer("Bytes"),
        "sha256": text("In hexadecimal", pattern="^[0-9a-f]{64}$"),
        "rows_in": integer("Records of the file, without the header, as `rows_in` of the report"),
        "rows_out": integer("Rows of the result, without the header"),
    },
    description="What can be downloaded.",
)

ATTEMPT = an_object(
    {
        "number": integer("From 1", at_least=1),
        "worker": text("Host and process"),
        "started_at": time("When the worker took the job"),
        "ended_at": or_null(time("When it ended, if it has")),
        "outcome": {
            "enum": [*OUTCOMES, None],
            "description": "`lost`: its worker was killed or cut off; `released`: its worker was "
            "shut down, which does not count towards `max_attempts`; null while it runs",
        },
        "reason": or_null(text("Why it did not succeed")),
    },
    description="One worker's try at a job.",
)

_PROGRESS: Node = {
    "bytes_done": integer(
        "Bytes of the input that have been read; fewer again, if an attempt has to read it anew"
    ),
    "bytes_total": integer("Bytes of the input"),
    "rows_done": or_null(
        integer(
            "Rows that have been read, without the header; of a job that has succeeded, all of "
            "the file; null where that is not known"
        )
    ),
    "rows_estimated": {
        "type": "boolean",
        "description": "Whether `rows_done` is an estimate, from the bytes that have been read "
        "and the length of the first records; false of a job that has succeeded",
    },
    "percent": {
        "type": "number",
        "minimum": 0,
        "maximum": 100,
        "description": "Of the bytes. When all have been read, the result has still to be written",
    },
    "eta": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "Seconds until all bytes will have been read, as it goes at present; null "
        "where that is not known",
    },
}

PROGRESS = an_object(
    _PROGRESS,
    description="How far the latest attempt has come, or had when it ended.",
)

JOB_EVENT_DATA = an_object(
    {
        "id": text("The job's id", format="uuid"),
        "state": ref("JobState"),
        "attempt": integer("Number of the latest attempt; 0 before the first"),
        **_PROGRESS,
        "reason": or_null(text("Why the latest attempt did not succeed")),
        "result": or_null(text("Path of the result, if there is one", format="uri-reference")),
    },
    description="What every event of a job tells.",
)

JOB_EVENT = an_object(
    {
        "event": {
            "enum": ["state", "progress"],
            "description": "`state` if it tells of another state or attempt than the one before",
        },
        "id": text("Attempt, state, and bytes done", pattern="^[0-9]+-[A-Z]+-[0-9]+$"),
        "retry": integer("Milliseconds after which to come back; with the first event only"),
        "data": text(
            "JSON", contentMediaType="application/json", contentSchema=ref("JobEventData")
        ),
    },
    description="One of the events of a stream, with its fields.",
    optional=("retry",),
)

JOB = an_object(
    {
        "id": text("The job's id", format="uuid"),
        "state": ref("JobState"),
        "attempt": integer("Number of the latest attempt; 0 before the first"),
        "max_attempts": integer("How many may fail before the job does", at_least=1),
        "created_at": time("When the upload was complete"),
        "published_at": or_null(time("When a worker was last called for it")),
        "finished_at": or_null(time("When it ended")),
        "reason": or_null(text("Why the latest attempt did not succeed")),
        "filename": text("Name of the file that was uploaded"),
        "input_size": integer("Bytes of the file that was uploaded"),
        "aggregation": ref(aggregations.NAME),
        "progress": or_null(ref("Progress")),
        "result": or_null(ref("Result")),
        "report": or_null(ref("Report")),
        "problems": {
            "type": "array",
            "maxItems": SHOWN_PROBLEMS,
            "items": ref("FileProblem"),
            "description": "The first that are wrong with the file",
        },
        "problem_count": or_null(integer("How many there are in all; null where `report` is null")),
        "attempts": {"type": "array", "items": ref("Attempt")},
    },
    description="A file that was uploaded, and what has become of it.",
)

JOB_LIST = an_object(
    {
        "jobs": {"type": "array", "items": ref("Job")},
        "next": or_null(text("Path of the page that follows", format="uri-reference")),
    },
    description="Some of the jobs, newest first.",
)

_RANGES: Node = {
    "type": "array",
    "maxItems": MAX_RANGES,
    "items": {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "minItems": 2,
        "maxItems": 2,
    },
}

UPLOAD = an_object(
    {
        "id": text("The upload's id", format="uuid"),
        "name": text("Name of the file"),
        "size": or_null(integer("Bytes of the file; null while that is not known")),
        "sha256": or_null(text("As declared", pattern="^[0-9a-f]{64}$")),
        "complete": {"type": "boolean", "description": "Whether every byte has been received"},
        "received_bytes": integer("How many bytes have been received"),
        "received": {
            **_RANGES,
            "description": "First byte of what has been received, and the byte after its last; "
            f"{MAX_RANGES} at most",
        },
        "missing": {
            **_RANGES,
            "description": f"The same of what has not; {MAX_RANGES} at most",
        },
        "job": or_null(text("Path of the job that it has become", format="uri-reference")),
    },
    description="A file on its way in.",
)

FILENAME = r"^[^\u0000-\u001f\u007f/\\]*[^\u0000-\u0020\u007f/\\]\.[cC][sS][vV]$"
"""Of a file that is taken, without folders."""

DECLARATION: Node = {
    "type": "object",
    "description": "A file that is going to be sent.",
    "properties": {
        "name": text(
            "Name of the file; only what follows the last `/` or `\\` counts",
            pattern=FILENAME,
        ),
        "size": or_null(integer("Its bytes; null if they are to be told later")),
        "sha256": or_null(
            text("Its SHA-256 in hexadecimal: checked when it is whole", pattern="^[0-9a-f]{64}$")
        ),
        "aggregation": or_null(ref(aggregations.NAME)),
    },
    "required": ["name", "size"],
    "additionalProperties": False,
}

SIZE: Node = {
    "type": "object",
    "description": "The size of a file that was declared without.",
    "properties": {"size": integer("Its bytes")},
    "required": ["size"],
    "additionalProperties": False,
}

ERROR: Node = {
    "type": "object",
    "description": "Every error outside of `/api/v1`.",
    "properties": {
        "status": {"const": "error"},
        "message": text("What is wrong, and what to do"),
        "job_status": ref("JobState"),
    },
    "required": ["status", "message"],
}

PROBLEM: Node = {
    "type": "object",
    "description": "Every error within `/api/v1`: problem details (RFC 9457).",
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "enum": sorted({kind.problem_type for kind in error_classes().values()}),
            "description": f"Stable. `{TYPE_PREFIX}...`, one of a standard, or `about:blank`: what "
            "the status says",
        },
        "title": text("The type in words"),
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text("What is wrong, and what to do"),
        "field": text("Which field of the request is wrong, if it is one"),
        "expected-offset": integer("Where the upload is, if that is what is wrong"),
        "provided-offset": integer("Where the request has put it"),
    },
    "required": ["type", "title", "status"],
    "examples": [
        {
            "type": JobNotFound.problem_type,
            "title": JobNotFound.title,
            "status": 404,
            "detail": f"There is no job {JOB_ID}",
        }
    ],
}

JOB_STATE: Node = {
    "type": "string",
    "enum": STATES,
    "description": "`PENDING`: waits for a worker. `STARTED`: a worker is at it. `RETRY`: an "
    "attempt failed or was interrupted, another will follow. `SUCCESS`: the result can be "
    "downloaded. `FAILURE`: there will be none. `REVOKED`: cancelled.",
}

SCHEMAS: Node = {
    **aggregations.SCHEMAS,
    "Attempt": ATTEMPT,
    "Declaration": DECLARATION,
    "Error": ERROR,
    "Job": JOB,
    "JobList": JOB_LIST,
    "JobEvent": JOB_EVENT,
    "JobEventData": JOB_EVENT_DATA,
    "JobState": JOB_STATE,
    "Problem": PROBLEM,
    "Progress": PROGRESS,
    "Result": RESULT,
    "Size": SIZE,
    "Upload": UPLOAD,
}

JOB_EXAMPLE: Node = {
    "id": JOB_ID,
    "state": "RETRY",
    "attempt": 1,
    "max_attempts": 3,
    "created_at": "2026-01-02T03:04:05.678Z",
    "published_at": "2026-01-02T03:04:11.213Z",
    "finished_at": None,
    "reason": CRASHED,
    "filename": "plays.csv",
    "input_size": 74,
    "aggregation": aggregations.AGGREGATION_EXAMPLE,
    "progress": None,
    "result": None,
    "report": None,
    "problems": [],
    "problem_count": None,
    "attempts": [
        {
            "number": 1,
            "worker": "worker-2.example:4711",
            "started_at": "2026-01-02T03:04:05.702Z",
            "ended_at": "2026-01-02T03:04:11.190Z",
            "outcome": "failure",
            "reason": CRASHED,
        }
    ],
}

UPLOAD_EXAMPLE: Node = {
    "id": UPLOAD_ID,
    "name": "plays.csv",
    "size": 74,
    "sha256": None,
    "complete": False,
    "received_bytes": 34,
    "received": [[40, 74]],
    "missing": [[0, 40]],
    "job": None,
}
