"""The JSON of requests and answers. Answers are described by `shared.api`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.datasets.job_request import NAME_LIMIT
from gateway.openapi import aggregations
from gateway.openapi.models import view_schemas
from gateway.openapi.parts import ENGINE, ref
from gateway.uploads.keeping import MOST_SECONDS
from shared.api.access import AuditPageView, KeyListView, LinkView, NewKeyView
from shared.api.dataset import DatasetListView
from shared.api.inspection import InspectionView
from shared.api.job import STATE_SCHEMA, JobEventDataView, JobListView
from shared.api.notification import (
    NewWebhookSecretView,
    NotificationListView,
    WebhookSecretView,
)
from shared.api.preview import PreviewView
from shared.api.problem import ProblemDetails
from shared.api.saved_spec import SpecListView, SpecView
from shared.api.tenant import TenantListView
from shared.api.upload import UploadView
from shared.errors import JobNotFound
from shared.http.outgoing import MAX_URL
from shared.jobs.job import JobState
from shared.jobs.job_input import MAX_INPUTS
from shared.jobs.notification import MAX_URLS
from shared.jobs.saved_spec import NAME_PATTERN

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

JOB_ID = "9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55"
UPLOAD_ID = "3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11"
CRASHED = "the engine's process was killed by SIGKILL (signal 9)"


def an_object(properties: Node, *, description: str = "", optional: tuple[str, ...] = ()) -> Node:
    """Return the schema of an object that always has every key but the `optional` ones."""
    node: Node = {"type": "object"}
    if description:
        node["description"] = description
    node["properties"] = properties
    node["required"] = [name for name in properties if name not in optional]
    return node


def integer(description: str, *, at_least: int = 0) -> Node:
    """Return the schema of a number of bytes, rows or attempts."""
    return {"type": "integer", "minimum": at_least, "description": description}


def text(description: str, **more: object) -> Node:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **more}


def or_null(node: Node) -> Node:
    """Return the schema of a value that may be null."""
    if "$ref" in node:
        return {"oneOf": [node, {"type": "null"}]}
    if "oneOf" in node:
        return {"oneOf": [*node["oneOf"], {"type": "null"}]}
    return {**node, "type": [node["type"], "null"]}


JOB_EVENT = an_object(
    {
        "event": {
            "enum": ["state", "progress"],
            "description": "`state` if the state or the attempt has changed",
        },
        "id": text("Attempt, state and bytes read", pattern="^[0-9]+-[A-Z]+-[0-9]+$"),
        "retry": integer("Milliseconds before the client reconnects; in the first event only"),
        "data": text(
            "JSON", contentMediaType="application/json", contentSchema=ref("JobEventData")
        ),
    },
    description="One event of a stream.",
    optional=("retry",),
)

FILENAME = r"^[^\u0000-\u001f\u007f/\\]*[^\u0000-\u0020\u007f./\\][^\u0000-\u0020\u007f/\\]*$"
"""The name of a file, without folders."""

NOTIFY: Node = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"url": text("An `https://` URL of the public internet", format="uri")},
        "required": ["url"],
        "additionalProperties": False,
    },
    "maxItems": MAX_URLS,
    "description": "URLs that are told how the job ends (see the webhook `jobEnded`)",
}
"""Where the outcome of a job is sent."""

KEEP_SCHEMA: Node = {
    "oneOf": [
        {"type": "boolean"},
        {"type": "integer", "minimum": 1, "maximum": MOST_SECONDS},
    ]
}
"""How long an upload is kept although no job needs it."""

AGGREGATION_OR_NAME: Node = {
    "oneOf": [
        ref(aggregations.NAME),
        text("The name of a saved spec, as it is now", pattern=NAME_PATTERN),
    ]
}
"""What a job computes."""

DECLARATION: Node = {
    "type": "object",
    "description": "A file to be uploaded.",
    "properties": {
        "name": text(
            "Name of the file; folders before the last `/` or `\\` are ignored",
            pattern=FILENAME,
        ),
        "size": or_null(integer("Bytes of the file; null if declared later")),
        "sha256": or_null(
            text(
                "The SHA-256 of the file in hexadecimal, checked when it is complete",
                pattern="^[0-9a-f]{64}$",
            )
        ),
        "aggregation": or_null(AGGREGATION_OR_NAME),
        "fail_early": or_null(
            {
                "type": "boolean",
                "description": "Whether more bytes are refused once rows are found that would fail "
                "the job, while a large file is being received",
            }
        ),
        "notify": or_null(NOTIFY),
    },
    "required": ["name", "size"],
    "additionalProperties": False,
}
DECLARATION["properties"] |= {
    "job": or_null(
        {
            "type": "boolean",
            "description": "`false` stores the file only: it becomes no job, and jobs can be asked "
            "of it. Without an aggregation",
        }
    ),
    "keep": {
        "oneOf": [*KEEP_SCHEMA["oneOf"], {"type": "null"}],
        "description": "How long the file is kept after its last byte although no job needs it: "
        "seconds, or `true` until it is deleted",
    },
    "engine": or_null(ENGINE),
}

KEEP: Node = {
    "type": "object",
    "description": "How long an upload is kept.",
    "properties": {
        "keep": {
            **KEEP_SCHEMA,
            "description": "Seconds from now, `true` until it is deleted, or `false` while jobs "
            "need it",
        }
    },
    "required": ["keep"],
    "additionalProperties": False,
}

JOB_REQUEST: Node = {
    "type": "object",
    "description": "A job of uploads that are complete, and of files that are fetched.",
    "properties": {
        "inputs": {
            "type": "array",
            "description": "The uploads that the job reads, in order",
            "items": {
                "oneOf": [
                    text(
                        "The id of an upload, or the name of its file",
                        minLength=1,
                        maxLength=NAME_LIMIT,
                    ),
                    {
                        "type": "object",
                        "properties": {
                            "upload": text(
                                "The id of an upload, or the name of its file",
                                minLength=1,
                                maxLength=NAME_LIMIT,
                            )
                        },
                        "required": ["upload"],
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "description": "A file that is fetched from elsewhere, if the settings "
                        "allow it",
                        "properties": {
                            "url": text(
                                "An `https`, `http` or `s3` URL",
                                minLength=1,
                                maxLength=MAX_URL,
                            ),
                            "name": or_null(
                                text(
                                    "The name of the file; by default the last one in the URL",
                                    minLength=1,
                                    maxLength=NAME_LIMIT,
                                )
                            ),
                            "sha256": or_null(
                                text(
                                    "The SHA-256 that the file has to have, in hexadecimal",
                                    pattern="^[0-9a-fA-F]{64}$",
                                )
                            ),
                        },
                        "required": ["url"],
                        "additionalProperties": False,
                    },
                ]
            },
            "minItems": 1,
            "maxItems": MAX_INPUTS,
        },
        "aggregation": AGGREGATION_OR_NAME,
        "cache": {
            "type": "boolean",
            "default": True,
            "description": "Whether the result may be that of an earlier job with this question",
        },
        "name": or_null(
            text(
                "The name under which the job is listed; by default that of the file",
                minLength=1,
                maxLength=NAME_LIMIT,
            )
        ),
        "notify": or_null(NOTIFY),
        "engine": ENGINE,
        "output": or_null(
            {
                "type": "object",
                "properties": {
                    "to": text(
                        "Where the result is sent to: `s3://bucket/key`",
                        minLength=1,
                        maxLength=MAX_URL,
                    )
                },
                "required": ["to"],
                "additionalProperties": False,
            }
        ),
    },
    "required": ["inputs", "aggregation"],
    "additionalProperties": False,
}

SIZE: Node = {
    "type": "object",
    "description": "The size of a file that was declared without one.",
    "properties": {"size": integer("Bytes of the file")},
    "required": ["size"],
    "additionalProperties": False,
}

ERROR: Node = {
    "type": "object",
    "description": "Every error outside of `/api/v1`.",
    "properties": {
        "status": {"const": "error"},
        "message": text("What is wrong and what to do"),
        "job_status": ref("JobState"),
    },
    "required": ["status", "message"],
}

SCHEMAS: Node = {
    **aggregations.SCHEMAS,
    **view_schemas(
        AuditPageView,
        DatasetListView,
        InspectionView,
        JobEventDataView,
        JobListView,
        KeyListView,
        LinkView,
        NewKeyView,
        NewWebhookSecretView,
        NotificationListView,
        PreviewView,
        ProblemDetails,
        SpecListView,
        SpecView,
        TenantListView,
        UploadView,
        WebhookSecretView,
    ),
    "Declaration": DECLARATION,
    "Error": ERROR,
    "JobEvent": JOB_EVENT,
    "JobRequest": JOB_REQUEST,
    "JobState": STATE_SCHEMA,
    "Keep": KEEP,
    "Size": SIZE,
}
SCHEMAS["ProblemDetails"]["examples"] = [
    {
        "type": JobNotFound.problem_type,
        "title": JobNotFound.title,
        "status": JobNotFound.status,
        "detail": f"There is no job {JOB_ID}",
    }
]

JOB_EXAMPLE: Node = {
    "id": JOB_ID,
    "state": JobState.RETRY,
    "attempt": 1,
    "max_attempts": 3,
    "created_at": "2026-01-02T03:04:05.678Z",
    "published_at": "2026-01-02T03:04:11.213Z",
    "finished_at": None,
    "expired_at": None,
    "result_deleted_at": None,
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
    "inputs": [
        {"upload_id": UPLOAD_ID, "name": "plays.csv", "size": 74, "sha256": None, "url": None}
    ],
    "cached_from": None,
    "notify": ["https://hooks.example"],
    "spec_name": None,
    "stage": None,
    "output_to": None,
    "engine": "auto",
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
    "head_start": None,
}

DATASET_EXAMPLE: Node = {
    "id": UPLOAD_ID,
    "name": "plays.csv",
    "size": 74,
    "sha256": None,
    "created_at": "2026-01-02T03:04:05.678Z",
    "keep": True,
    "expires_at": "2026-02-01T03:04:05.678Z",
    "jobs": [JOB_ID],
}

PREVIEW_EXAMPLE: Node = {
    "columns": [
        {"name": "Song", "type": "text", "function": None, "truncate": None},
        {"name": "Date", "type": "text", "function": None, "truncate": None},
        {
            "name": "Total Number of Plays for Date",
            "type": "integer",
            "function": "sum",
            "truncate": None,
        },
    ],
    "rows": [["Umbrella", "2020-01-02", 300], ["Yellow", "2020-01-02", "12345678901234567890"]],
    "truncated": False,
    "total_rows": 2,
}
