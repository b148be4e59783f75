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
from gateway.openapi.schemas import FILENAME, JOB_ID, UPLOAD_EXAMPLE, UPLOAD_ID
from gateway.upload_api import MAX_OFFSET
from gateway.upload_requests import MAX_KEY
from shared.errors import (
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    DigestMismatch,
    IdempotencyKeyReused,
    InputRemoved,
    InvalidInput,
    JobFinished,
    StorageFull,
    TakenOver,
    UnsupportedMedia,
    UploadGone,
    UploadNotFound,
    UploadTooLarge,
)

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

KEY_IN_HEADER = parameter(
    "Idempotency-Key",
    "header",
    "Your own name for the upload, such as a UUID: sent again with the same request it gives the "
    "same upload",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!#-~]+$"},
)

LOCATION = {"Location": header("Path of the upload", {"type": "string", "format": "uri-reference"})}

CREATE = operation(
    "createUpload",
    "Declare a file",
    tag=TAG,
    description="A file of no bytes becomes a job at once.",
    parameters=[KEY_IN_HEADER],
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
            headers={**LOCATION, **JOB_OF_UPLOAD},
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

PUT_FILE = operation(
    "putFile",
    "Send a whole file",
    tag=TAG,
    description="Of any size, known or not. What arrives is kept, even if the connection breaks: "
    "send the rest as a chunk, or the same again, which takes over from a connection that hangs.",
    parameters=[
        parameter(
            "name",
            "query",
            "Name of the file",
            {"type": "string", "pattern": FILENAME},
            required=True,
            example="plays.csv",
        ),
        KEY_IN_HEADER,
        parameter(
            "Content-Digest",
            "header",
            "`sha-256=:<base64>:` of the file: checked when it is whole (RFC 9530)",
            {"type": "string"},
        ),
    ],
    body={"description": "The bytes as they are", "content": {"application/octet-stream": {}}},
    answers={
        **json_answer(
            201,
            "The upload, with its job",
            ref("Upload"),
            example=WHOLE_EXAMPLE,
            headers={**LOCATION, **JOB_OF_UPLOAD},
            links=links(("showUpload", "cancelUpload"), "upload", "id"),
        ),
        **problems(
            InvalidInput,
            ChunkOutOfBounds,
            UploadTooLarge,
            UnsupportedMedia,
            DigestMismatch,
            IdempotencyKeyReused,
            UploadNotFound,
            TakenOver,
            UploadGone,
            StorageFull,
            headers=LOCATION,
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
            example=WHOLE_EXAMPLE,
            headers=JOB_OF_UPLOAD,
        ),
        **problems(
            InvalidInput,
            ChunkOutOfBounds,
            ChunkDigestMismatch,
            DigestMismatch,
            UploadNotFound,
            InputRemoved,
            UnsupportedMedia,
            StorageFull,
        ),
    },
)

PATHS = {
    "/api/v1/uploads": {"post": CREATE, "put": PUT_FILE},
    "/api/v1/uploads/{upload}": {**reading(SHOW), "delete": CANCEL},
    "/api/v1/uploads/{upload}/chunks/{offset}": {"put": PUT_CHUNK},
}
