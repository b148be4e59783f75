"""What the IETF protocol adds to `/api/v1/uploads`."""

from __future__ import annotations

from gateway.openapi.parts import (
    JSON,
    QUOTA,
    Node,
    header,
    json_answer,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from gateway.openapi.upload_parts import (
    CONTENT_DIGEST,
    JOB_OF_UPLOAD,
    LOCATION,
    TAG,
    UPLOAD_IN_PATH,
    WHOLE_EXAMPLE,
)
from gateway.protocols.ietf.headers import MEDIA_TYPE, VERSION, VERSION_FIELD
from shared.errors import (
    AppendLeaseLost,
    BodyTooSlow,
    BytesDiffer,
    ChunkDigestMismatch,
    DigestMismatch,
    InconsistentLength,
    InputRemoved,
    InvalidInput,
    JobDelayed,
    OffsetConflict,
    SizeConflict,
    StorageFull,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadCompleted,
    UploadGone,
    UploadNotFound,
    UploadTooLarge,
)

_INTEGER: Node = {"type": "integer", "minimum": 0}
# A header field of another type is ignored (RFC 9651, 4.2), so its value is not restricted.
_ANY: Node = {"type": "string"}

COMPLETE = parameter(
    "Upload-Complete",
    "header",
    "`?1` if the file ends with this content, `?0` if more follows",
    _ANY,
    example="?1",
)
INCOMPLETE = {**COMPLETE, "example": "?0"}
OFFSET = parameter(
    "Upload-Offset", "header", "The offset of the content in the file, in bytes", _ANY
)
LENGTH = parameter("Upload-Length", "header", "Bytes of the file, if known", _ANY)
TO_CREATE = parameter(
    VERSION_FIELD, "header", f"`{VERSION}`: the interop version of the client", _ANY
)
OF_VERSION = {**TO_CREATE, "example": str(VERSION)}
REPR_DIGEST = parameter(
    "Repr-Digest",
    "header",
    "`sha-256=:<base64>:` of the whole file, checked when it is complete (RFC 9530)",
    _ANY,
)

LIMIT: Node = {
    "Upload-Limit": header("`max-size` in bytes; `max-age` in seconds since the last use")
}
STATE: Node = {
    "Upload-Complete": header("`?1` if the upload is complete, else `?0`"),
    "Upload-Offset": header("Bytes received, from the start of the file", _INTEGER),
    **LIMIT,
}
STATE_OF_UPLOAD: Node = {
    **STATE,
    "Upload-Length": header("Bytes of the file, if known", _INTEGER),
    "Cache-Control": header("`no-store`"),
}
SUPPORTED_VERSION: Node = {VERSION_FIELD: header("The supported interop version", {"const": "8"})}

INTERIM: Node = {
    "104": {
        "description": "An interim response with the path where the upload can be resumed, or with "
        "the number of bytes that are recorded",
        "headers": {
            **SUPPORTED_VERSION,
            **LOCATION,
            **LIMIT,
            "Upload-Offset": STATE["Upload-Offset"],
        },
    }
}

ABOUT = (
    f"With `Upload-Complete`, in interop version {VERSION} of draft-ietf-httpbis-resumable-upload, "
    "the upload can be resumed: `104 Upload Resumption Supported` has its path at the start, and "
    "from time to time the number of bytes that are recorded."
)


def options(name: str, accepted: str, parameters: tuple[Node, ...] = ()) -> Node:
    """Return the `OPTIONS` of a URL."""
    return operation(
        name,
        "Show methods and limits",
        tag=TAG,
        parameters=parameters,
        answers={
            "204": {
                "description": "Methods, patch formats and limits",
                "headers": {
                    "Allow": header("The methods"),
                    "Accept-Patch": header(accepted),
                    **LIMIT,
                },
            },
            **problems(JobDelayed),
        },
    )


ACCEPTED = f"`{MEDIA_TYPE}`"
ACCEPTED_BY_UPLOAD = f"`{MEDIA_TYPE}, application/json`"


def head(show: Node) -> Node:
    """Return the `HEAD` of an upload, whose plain answer is that of `show` without content."""
    plain = reading(show)["head"]
    return {
        **plain,
        "description": f"In interop version {VERSION}: the offset of the upload (204). Aborts any "
        "append in progress.",
        "parameters": [UPLOAD_IN_PATH, OF_VERSION],
        "responses": {
            **plain["responses"],
            "204": {
                "description": "The offset of the upload",
                "headers": {**STATE_OF_UPLOAD, **JOB_OF_UPLOAD},
            },
            "410": {"description": "The upload became a job, and its bytes were deleted"},
        },
    }


PATCH = operation(
    "patchUpload",
    "Append to a file, or declare its size",
    tag=TAG,
    description=f"`{MEDIA_TYPE}` appends (interop version {VERSION}): received bytes are kept "
    "even if the request fails, unless it has a `Content-Digest`; a new request replaces one whose "
    "connection hangs. JSON declares the size of a file that was declared without one; repeating "
    "it is harmless.",
    parameters=[
        UPLOAD_IN_PATH,
        OF_VERSION,
        {**OFFSET, "example": "0"},
        INCOMPLETE,
        LENGTH,
        CONTENT_DIGEST,
    ],
    body={
        "required": True,
        "content": {
            MEDIA_TYPE: {},
            JSON: {"schema": ref("Size"), "example": {"size": WHOLE_EXAMPLE["size"]}},
        },
    },
    answers={
        **INTERIM,
        **json_answer(
            200, "The upload, with its size", ref("Upload"), example=WHOLE_EXAMPLE,
            headers=JOB_OF_UPLOAD,
        ),
        **json_answer(
            201, "The upload is complete and has a job", ref("Upload"), example=WHOLE_EXAMPLE,
            headers={**LOCATION, **JOB_OF_UPLOAD, **STATE},
        ),
        "204": {"description": "The content is stored", "headers": STATE},
        **problems(
            InvalidInput,
            OffsetConflict,
            BytesDiffer,
            InputRemoved,
            UploadCompleted,
            InconsistentLength,
            SizeConflict,
            DigestMismatch,
            ChunkDigestMismatch,
            UploadTooLarge,
            UnsupportedMedia,
            UnsupportedVersion,
            UploadNotFound,
            AppendLeaseLost,
            UploadGone,
            BodyTooSlow, StorageFull, *QUOTA,
            headers={
                **STATE,
                **JOB_OF_UPLOAD,
                **SUPPORTED_VERSION,
                "Accept-Patch": header(ACCEPTED_BY_UPLOAD),
            },
        ),
    },
)  # fmt: skip
