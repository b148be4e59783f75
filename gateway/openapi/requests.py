"""The JSON of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.datasets.job_request import NAME_LIMIT
from gateway.openapi import aggregations
from gateway.openapi.nodes import integer, or_null, text
from gateway.openapi.parts import ENGINE, ref
from gateway.uploads.keeping import MOST_SECONDS
from shared.http.outgoing import MAX_URL
from shared.jobs.input_limits import MAX_INPUTS
from shared.jobs.notification import MAX_URLS
from shared.jobs.saved_spec import NAME_PATTERN

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

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
    "description": "URLs that are notified when the job ends (see the webhook `jobEnded`)",
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
