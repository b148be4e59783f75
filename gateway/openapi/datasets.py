"""Jobs that are asked of uploads, and the uploads of which they can be asked."""

from __future__ import annotations

from gateway.datasets.list import LIMIT, MAX_LIMIT
from gateway.http.idempotency import MAX_KEY
from gateway.openapi import aggregations
from gateway.openapi.examples import DATASET_EXAMPLE, JOB_EXAMPLE, NEW_JOB_EXAMPLE, UPLOAD_ID
from gateway.openapi.parts import (
    JSON,
    header,
    json_answer,
    links,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from gateway.openapi.upload_parts import TAG, UPLOAD_IN_PATH
from shared.errors import (
    AddressRefused,
    AmbiguousName,
    IdempotencyKeyReused,
    InputRemoved,
    InvalidInput,
    JobDelayed,
    NoWebhookSecret,
    QuotaExceeded,
    SpecMismatch,
    SpecNotFound,
    TooManyJobs,
    UnsupportedMedia,
    UploadIncomplete,
    UploadNotFound,
)

JOBS = "Jobs"
CURSOR = "QdpVzWlrZFqfPy0cXw5Le4pDK52PK4xV"

ASK_KEY = parameter(
    "Idempotency-Key",
    "header",
    "A key of your choice, such as a UUID: a repeated request with the same key returns the same "
    "job",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!#-~]+$"},
)

ASK = operation(
    "askJob",
    "Ask for a job of uploads that are there",
    tag=JOBS,
    description="Computes an aggregation of one or more complete uploads, as often as wanted, "
    "without sending a byte again. A name stands for the upload of a file with this name: if "
    "several have it, they must be known to have the same bytes. The key needs the scopes `upload` "
    "and `read`.",
    parameters=[ASK_KEY],
    body={
        "required": True,
        "content": {
            JSON: {
                "schema": ref("JobRequest"),
                "example": {"inputs": [UPLOAD_ID], "aggregation": aggregations.AGGREGATION_EXAMPLE},
            }
        },
    },
    answers={
        **json_answer(
            200, "The job of an earlier request with this key", ref("Job"), example=JOB_EXAMPLE
        ),
        **json_answer(
            201,
            "The job",
            ref("Job"),
            example=NEW_JOB_EXAMPLE,
            headers={
                "Location": header("Path of the job", {"type": "string", "format": "uri-reference"})
            },
            links=links(("showJob", "showResult"), "job_id", "id"),
        ),
        **problems(
            InvalidInput,
            AddressRefused,
            NoWebhookSecret,
            SpecNotFound,
            UploadNotFound,
            UploadIncomplete,
            AmbiguousName,
            InputRemoved,
            SpecMismatch,
            IdempotencyKeyReused,
            UnsupportedMedia,
            JobDelayed,
            QuotaExceeded,
            TooManyJobs,
        ),
    },
)

LIST = operation(
    "listUploads",
    "List complete uploads, newest first",
    tag=TAG,
    description="The uploads of which jobs can be asked. `next` is the path of the next page, and "
    "null on the last one.",
    parameters=[
        parameter(
            "name", "query", "Only uploads whose file has exactly this name", {"type": "string"}
        ),
        parameter(
            "limit",
            "query",
            "The maximum number of uploads",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
        ),
        parameter(
            "cursor",
            "query",
            "The start of the page, as in `next`",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
        ),
    ],
    answers={
        **json_answer(
            200,
            "One page of the uploads",
            ref("DatasetList"),
            example={
                "uploads": [DATASET_EXAMPLE],
                "next": f"/api/v1/uploads?limit=1&cursor={CURSOR}",
            },
            headers={"Link": header('`<...>; rel="next"` (RFC 8288), if there is another page')},
        ),
        **problems(InvalidInput),
    },
)

KEEP = operation(
    "keepUpload",
    "Set how long an upload is kept although no job needs it",
    tag=TAG,
    parameters=[UPLOAD_IN_PATH],
    body={
        "required": True,
        "content": {JSON: {"schema": ref("Keep"), "example": {"keep": 2592000}}},
    },
    answers={
        **json_answer(200, "The upload", ref("Dataset"), example=DATASET_EXAMPLE),
        **problems(InvalidInput, UploadNotFound, UploadIncomplete, InputRemoved, JobDelayed),
    },
)

LISTING = reading(LIST)
