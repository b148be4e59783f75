"""`/api/v1/uploads`: the native protocol."""

from __future__ import annotations

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
from gateway.openapi.schemas import JOB_ID, UPLOAD_EXAMPLE, UPLOAD_ID
from gateway.upload_requests import MAX_KEY
from shared.errors import (
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    DigestMismatch,
    IdempotencyKeyReused,
    InputRemoved,
    InvalidInput,
    JobFinished,
    NotFound,
    StorageFull,
    UnsupportedMedia,
    UploadNotFound,
    UploadTooLarge,
)

TAG = "Uploads"
MAX_OFFSET = 10**18 - 1

JOB_OF_UPLOAD = {
    "Csvmill-Job": header(
        "Path of the job, if the upload has become one",
        {"type": "string", "format": "uri-reference"},
    )
}

UPLOAD_IN_PATH = parameter(
    "upload",
    "path",
    "The id of an upload, or its `Idempotency-Key` or `dzuuid`, percent-encoded",
    {"type": "string", "minLength": 1},
    example=UPLOAD_ID,
)

CREATE = operation(
    "createUpload",
    "Declare a file",
    tag=TAG,
    description="A file of no bytes becomes a job at once.",
    parameters=[
        parameter(
            "Idempotency-Key",
            "header",
            "Your own name for the upload, such as a UUID: sent again with the same body it gives "
            "the same upload",
            {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!#-~]+$"},
        )
    ],
    body={
        "required": True,
        "content": {
            JSON: {"schema": ref("Declaration"), "example": {"name": "plays.csv", "size": 74}}
        },
    },
    answers={
        **json_answer(
            201,
            "The upload as it stands",
            ref("Upload"),
            example={
                **UPLOAD_EXAMPLE,
                "received_bytes": 0,
                "received": [],
                "missing": [[0, 74]],
            },
            headers={
                "Location": header(
                    "Path of the upload", {"type": "string", "format": "uri-reference"}
                ),
                **JOB_OF_UPLOAD,
            },
            links=links(("showUpload", "putChunk", "cancelUpload"), "upload", "id"),
        ),
        **problems(
            InvalidInput,
            UploadTooLarge,
            UnsupportedMedia,
            DigestMismatch,
            IdempotencyKeyReused,
            StorageFull,
        ),
    },
)

SHOW = operation(
    "showUpload",
    "What has been received of a file",
    tag=TAG,
    description="Whichever dialect began it.",
    parameters=[UPLOAD_IN_PATH],
    answers={
        **json_answer(
            200, "The upload", ref("Upload"), example=UPLOAD_EXAMPLE, headers=JOB_OF_UPLOAD
        ),
        **problems(UploadNotFound),
    },
)

CANCEL = operation(
    "cancelUpload",
    "Cancel an upload",
    tag=TAG,
    description="What was received is removed. If it has become a job already, that is cancelled.",
    parameters=[UPLOAD_IN_PATH],
    answers={
        "204": {"description": "It is cancelled"},
        **problems(UploadNotFound, JobFinished),
    },
)

PUT_CHUNK = operation(
    "putChunk",
    "Send a part of a file",
    tag=TAG,
    description="Any number of bytes, in any order, as many requests at a time as you like. It "
    "counts as a whole, or not at all; of bytes that are there already, nothing changes. If its "
    "answer was lost, send it again.",
    parameters=[
        UPLOAD_IN_PATH,
        parameter(
            "offset",
            "path",
            "Where it belongs in the file, in bytes",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
            example=40,
        ),
        parameter(
            "Content-Digest",
            "header",
            "`sha-256=:<base64>:`, or `sha-512`: checked before the bytes count (RFC 9530)",
            {"type": "string"},
        ),
    ],
    body={
        "description": "The bytes as they are; none at all change nothing",
        "content": {"application/octet-stream": {}},
    },
    answers={
        **json_answer(
            200,
            "The upload as it stands; with its job, if this was the last missing part",
            ref("Upload"),
            example={
                **UPLOAD_EXAMPLE,
                "complete": True,
                "received_bytes": 74,
                "received": [[0, 74]],
                "missing": [],
                "job": f"/api/v1/jobs/{JOB_ID}",
            },
            headers=JOB_OF_UPLOAD,
        ),
        **problems(
            InvalidInput,
            ChunkOutOfBounds,
            ChunkDigestMismatch,
            DigestMismatch,
            UploadNotFound,
            NotFound,
            InputRemoved,
            UnsupportedMedia,
            StorageFull,
        ),
    },
)

PATHS = {
    "/api/v1/uploads": {"post": CREATE},
    "/api/v1/uploads/{upload}": {**reading(SHOW), "delete": CANCEL},
    "/api/v1/uploads/{upload}/chunks/{offset}": {"put": PUT_CHUNK},
}
