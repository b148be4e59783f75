"""Parameters and answers of several operations on uploads."""

from __future__ import annotations

from gateway.http.idempotency import MAX_KEY
from gateway.openapi import aggregations
from gateway.openapi.examples import JOB_ID, UPLOAD_EXAMPLE, UPLOAD_ID
from gateway.openapi.parts import header, json_in_query, parameter
from gateway.openapi.requests import AGGREGATION_OR_NAME, FILENAME, KEEP_SCHEMA
from shared.jobs.notification import MAX_URLS

TAG = "Uploads"
JOB_OF_UPLOAD = {
    "Csvmill-Job": header(
        "Path of the job, if the upload has become one",
        {"type": "string", "format": "uri-reference"},
    )
}

WHOLE_EXAMPLE = {
    **UPLOAD_EXAMPLE,
    "complete": True,
    "received_bytes": 74,
    "received": [[0, 74]],
    "missing": [],
    "job": f"/api/v1/jobs/{JOB_ID}",
}

UPLOAD_IN_PATH = parameter(
    "upload",
    "path",
    "The id of an upload, or its `Idempotency-Key` or `dzuuid`, percent-encoded",
    {"type": "string", "minLength": 1},
    example=UPLOAD_ID,
)

NAME = parameter(
    "name",
    "query",
    "Name of the file; by default the `filename` of `Content-Disposition`",
    {"type": "string", "pattern": FILENAME},
    example="plays.csv",
)

SPEC = json_in_query(
    "spec",
    "The aggregation, or the name of a saved spec, with or without quotation marks; without it, "
    "plays are summed by song and date. A URL may have 8 KB: declare the file as JSON if it needs "
    "more",
    AGGREGATION_OR_NAME,
    example=aggregations.AGGREGATION_EXAMPLE,
)

FAIL_EARLY = parameter(
    "fail_early",
    "query",
    "Whether more bytes are refused once rows are found that would fail the job, while a large "
    "file is being received",
    {"type": "boolean", "default": False},
)

NOTIFY_IN_QUERY = parameter(
    "notify",
    "query",
    "A URL that is notified when the job ends; may be repeated (see the webhook `jobEnded`)",
    {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": MAX_URLS},
)

JOB = parameter(
    "job",
    "query",
    "`false` stores the file only: it becomes no job, and jobs can be asked of it. Without a spec",
    {"type": "boolean", "default": True},
)

KEEP = parameter(
    "keep",
    "query",
    "How long the file is kept after its last byte although no job needs it: seconds, or `true` "
    "until it is deleted",
    KEEP_SCHEMA,
    example=86400,
)

KEY_IN_HEADER = parameter(
    "Idempotency-Key",
    "header",
    "A key of your choice, such as a UUID: a repeated request with the same key returns the same "
    "upload",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!#-~]+$"},
)

LOCATION = {"Location": header("Path of the upload", {"type": "string", "format": "uri-reference"})}

CONTENT_DIGEST = parameter(
    "Content-Digest",
    "header",
    "`sha-256=:<base64>:` of the content, checked when it is complete (RFC 9530)",
    {"type": "string"},
)
