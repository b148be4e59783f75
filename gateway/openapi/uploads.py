"""`/api/v1/uploads`: the native protocol and the IETF protocol."""

from __future__ import annotations

from gateway.openapi import datasets, ietf
from gateway.openapi.aggregations import AGGREGATION_EXAMPLE
from gateway.openapi.examples import UPLOAD_EXAMPLE
from gateway.openapi.parts import (
    FINISHED,
    JSON,
    QUOTA,
    json_answer,
    links,
    operation,
    parameter,
    problems,
    ref,
)
from gateway.openapi.upload_parts import (
    CONTENT_DIGEST,
    FAIL_EARLY,
    JOB,
    JOB_OF_UPLOAD,
    KEEP,
    KEY_IN_HEADER,
    LOCATION,
    NAME,
    NOTIFY_IN_QUERY,
    SPEC,
    TAG,
    UPLOAD_IN_PATH,
    WHOLE_EXAMPLE,
)
from gateway.protocols.native.handlers import MAX_OFFSET
from shared.errors import (
    AddressRefused,
    AppendLeaseLost,
    BadRowsFound,
    BodyTooSlow,
    BytesDiffer,
    ChunkDigestMismatch,
    ChunkOutOfBounds,
    DigestMismatch,
    IdempotencyKeyReused,
    InconsistentLength,
    InputRemoved,
    InvalidInput,
    JobDelayed,
    JobFinished,
    NoWebhookSecret,
    SpecMismatch,
    SpecNotFound,
    StorageFull,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadGone,
    UploadInUse,
    UploadNotFound,
    UploadTooLarge,
)

OF_A_FILE = (
    FAIL_EARLY,
    NOTIFY_IN_QUERY,
    JOB,
    KEEP,
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
        "The upload, with its job if it is complete",
        ref("Upload"),
        example=WHOLE_EXAMPLE,
        headers={**LOCATION, **JOB_OF_UPLOAD, **ietf.STATE},
        links=links(("showUpload", "putChunk", "cancelUpload"), "upload", "id"),
    ),
    **problems(
        InvalidInput,
        AddressRefused,
        NoWebhookSecret,
        SpecNotFound,
        ChunkOutOfBounds,
        UploadTooLarge,
        UnsupportedMedia,
        UnsupportedVersion,
        DigestMismatch,
        ChunkDigestMismatch,
        InconsistentLength,
        IdempotencyKeyReused,
        SpecMismatch,
        BadRowsFound,
        UploadNotFound,
        BytesDiffer,
        InputRemoved,
        AppendLeaseLost,
        UploadGone,
        BodyTooSlow,
        StorageFull,
        *QUOTA,
        headers={**LOCATION, **ietf.LIMIT, **ietf.SUPPORTED_VERSION},
    ),
}

CREATE = operation(
    "createUpload",
    "Declare or send a file",
    tag=TAG,
    description="A JSON body declares a file; a file without bytes becomes a job at once. Any "
    f"other body is the file itself, as with `PUT`. {ietf.ABOUT}",
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
    description="The file may have any size, known or not. Received bytes are kept even if the "
    "connection breaks: send the rest as a chunk, or repeat the request, which also replaces a "
    "hanging connection. " + ietf.ABOUT,
    parameters=[NAME, *OF_A_FILE],
    body={"description": "The bytes of the file", "content": {"application/octet-stream": {}}},
    answers=WHOLE,
)

SHOW = operation(
    "showUpload",
    "Show an upload",
    tag=TAG,
    description="The upload may have been started with any protocol.",
    parameters=[UPLOAD_IN_PATH],
    answers={
        **json_answer(
            200,
            "The upload",
            ref("Upload"),
            example=UPLOAD_EXAMPLE,
            headers={**JOB_OF_UPLOAD, **ietf.LIMIT},
        ),
        **problems(UploadNotFound, JobDelayed),
    },
)

CANCEL = operation(
    "cancelUpload",
    "Delete an upload",
    tag=TAG,
    description="Deletes the received bytes. If the upload has become a job, the job is cancelled; "
    "if that has ended, its result and rejects are deleted too.",
    parameters=[UPLOAD_IN_PATH, FINISHED],
    answers={
        "204": {"description": "The upload is deleted"},
        **problems(InvalidInput, UploadNotFound, JobFinished, UploadInUse, JobDelayed),
    },
)

PUT_CHUNK = operation(
    "putChunk",
    "Send a chunk of a file",
    tag=TAG,
    description="Chunks may have any size and come in any order and in parallel. A chunk is stored "
    "as a whole or not at all. Bytes that were received before do not change: a chunk with other "
    "bytes is refused. If the answer was lost, send the chunk again.",
    parameters=[
        UPLOAD_IN_PATH,
        parameter(
            "offset",
            "path",
            "The offset of the chunk in the file, in bytes",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
            example=40,
        ),
        parameter(
            "Content-Digest",
            "header",
            "`sha-256=:<base64>:` or `sha-512=:<base64>:`, checked before the chunk is stored "
            "(RFC 9530)",
            {"type": "string"},
        ),
    ],
    body={
        "description": "The bytes of the chunk; an empty chunk changes nothing",
        "content": {"application/octet-stream": {}},
    },
    answers={
        **json_answer(
            200,
            "The upload, with its job if this was the last missing chunk",
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
            BadRowsFound,
            UploadNotFound,
            BytesDiffer,
            InputRemoved,
            UnsupportedMedia,
            BodyTooSlow,
            StorageFull,
            *QUOTA,
        ),
    },
)

PATHS = {
    "/api/v1/uploads": {
        **datasets.LISTING,
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
    "/api/v1/uploads/{upload}/keep": {"put": datasets.KEEP},
}
