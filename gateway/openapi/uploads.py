"""`/api/v1/uploads`: the native protocol, and the IETF dialect."""

from __future__ import annotations

from gateway.openapi import ietf
from gateway.openapi.aggregations import AGGREGATION_EXAMPLE
from gateway.openapi.parts import (
    JSON,
    json_answer,
    links,
    operation,
    parameter,
    problems,
    ref,
)
from gateway.openapi.schemas import UPLOAD_EXAMPLE
from gateway.openapi.upload_parts import (
    CONTENT_DIGEST,
    JOB_OF_UPLOAD,
    KEY_IN_HEADER,
    LOCATION,
    NAME,
    SPEC,
    TAG,
    UPLOAD_IN_PATH,
    WHOLE_EXAMPLE,
)
from gateway.protocols.native.handlers import MAX_OFFSET
from shared.errors import (
    AppendLeaseLost,
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    DigestMismatch,
    IdempotencyKeyReused,
    InconsistentLength,
    InputRemoved,
    InvalidInput,
    JobFinished,
    SpecMismatch,
    StorageFull,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadGone,
    UploadNotFound,
    UploadTooLarge,
)

OF_A_FILE = (
    SPEC,
    KEY_IN_HEADER,
    CONTENT_DIGEST,
    ietf.REPR_DIGEST,
    ietf.TO_CREATE,
    ietf.COMPLETE,
    ietf.LENGTH,
)

WHOLE = {
    **ietf.INTERIM,
    **json_answer(
        201,
        "The upload as it stands; with its job, if it is complete",
        ref("Upload"),
        example=WHOLE_EXAMPLE,
        headers={**LOCATION, **JOB_OF_UPLOAD, **ietf.STANDING},
        links=links(("showUpload", "putChunk", "cancelUpload"), "upload", "id"),
    ),
    **problems(
        InvalidInput,
        ChunkOutOfBounds,
        UploadTooLarge,
        UnsupportedMedia,
        UnsupportedVersion,
        DigestMismatch,
        ChunkDigestMismatch,
        InconsistentLength,
        IdempotencyKeyReused,
        SpecMismatch,
        UploadNotFound,
        AppendLeaseLost,
        UploadGone,
        StorageFull,
        headers={**LOCATION, **ietf.LIMIT, **ietf.SPOKEN_HERE},
    ),
}

CREATE = operation(
    "createUpload",
    "Declare a file, or send one",
    tag=TAG,
    description="JSON declares a file; one of no bytes becomes a job at once. Anything else is the "
    f"file itself, as with `PUT`. {ietf.ABOUT}",
    parameters=[{**NAME, "schema": {"type": "string"}}, *OF_A_FILE],
    body={
        "required": True,
        "content": {
            JSON: {
                "schema": ref("Declaration"),
                "example": {
                    "name": "plays.csv",
                    "size": 74,
                    "aggregation": AGGREGATION_EXAMPLE,
                },
            },
            "application/octet-stream": {},
        },
    },
    answers=WHOLE,
)

PUT_FILE = operation(
    "putFile",
    "Send a whole file",
    tag=TAG,
    description="Of any size, known or not. What arrives is kept, even if the connection breaks: "
    "send the rest as a chunk, or the same again, which takes over from a connection that hangs. "
    + ietf.ABOUT,
    parameters=[NAME, *OF_A_FILE],
    body={"description": "The bytes as they are", "content": {"application/octet-stream": {}}},
    answers=WHOLE,
)

SHOW = operation(
    "showUpload",
    "What has been received of a file",
    tag=TAG,
    description="Whichever dialect began it.",
    parameters=[UPLOAD_IN_PATH],
    answers={
        **json_answer(
            200,
            "The upload",
            ref("Upload"),
            example=UPLOAD_EXAMPLE,
            headers={**JOB_OF_UPLOAD, **ietf.LIMIT},
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
            SpecMismatch,
            UploadNotFound,
            InputRemoved,
            UnsupportedMedia,
            StorageFull,
        ),
    },
)

PATHS = {
    "/api/v1/uploads": {
        "options": ietf.options("uploadsOptions", ietf.ACCEPTED),
        "post": CREATE,
        "put": PUT_FILE,
    },
    "/api/v1/uploads/{upload}": {
        "options": ietf.options("uploadOptions", ietf.ACCEPTED_BY_UPLOAD, (UPLOAD_IN_PATH,)),
        "get": SHOW,
        "head": ietf.head(SHOW),
        "patch": ietf.PATCH,
        "delete": CANCEL,
    },
    "/api/v1/uploads/{upload}/chunks/{offset}": {"put": PUT_CHUNK},
}
