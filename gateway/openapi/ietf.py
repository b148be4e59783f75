"""The IETF dialect of `/api/v1/uploads`, as far as it is not a plain upload."""

from __future__ import annotations

from gateway.openapi.parts import (
    JSON,
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
    ChunkDigestMismatch,
    DigestMismatch,
    InconsistentLength,
    InvalidInput,
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
# A field that is not of its type counts as one that is not there: nothing is demanded of it.
_ANY: Node = {"type": "string"}

COMPLETE = parameter(
    "Upload-Complete",
    "header",
    "`?1` if the file ends with this content, `?0` if more is going to follow",
    _ANY,
    example="?1",
)
INCOMPLETE = {**COMPLETE, "example": "?0"}
OFFSET = parameter("Upload-Offset", "header", "Where the content belongs, in bytes", _ANY)
LENGTH = parameter("Upload-Length", "header", "Bytes of the file, if they are known", _ANY)
TO_CREATE = parameter(
    VERSION_FIELD, "header", f"`{VERSION}`: the interop version that the client speaks", _ANY
)
SPOKEN = {**TO_CREATE, "example": str(VERSION)}
REPR_DIGEST = parameter(
    "Repr-Digest",
    "header",
    "`sha-256=:<base64>:` of the whole file: checked when it is complete (RFC 9530)",
    _ANY,
)

LIMIT: Node = {
    "Upload-Limit": header("`max-size` in bytes, `max-age` in seconds from now without a use")
}
STANDING: Node = {
    "Upload-Complete": header("`?1` if the upload is complete, else `?0`"),
    "Upload-Offset": header("How many bytes have been received from the beginning on", _INTEGER),
    **LIMIT,
}
RETRIEVED: Node = {
    **STANDING,
    "Upload-Length": header("Bytes of the file, if they are known", _INTEGER),
    "Cache-Control": header("`no-store`"),
}
SPOKEN_HERE: Node = {VERSION_FIELD: header("The interop version that is spoken", {"const": "8"})}

INTERIM: Node = {
    "104": {
        "description": "Where the upload that has begun can be gone on with, or how much of it is "
        "recorded: an interim response, before the final one",
        "headers": {**SPOKEN_HERE, **LOCATION, **LIMIT, "Upload-Offset": STANDING["Upload-Offset"]},
    }
}

ABOUT = (
    f"In interop version {VERSION} of draft-ietf-httpbis-resumable-upload, with `Upload-Complete`, "
    "it can be resumed: `104 Upload Resumption Supported` tells where, as soon as it has begun, "
    "and how much has been recorded, now and then."
)


def options(name: str, accepted: str, parameters: tuple[Node, ...] = ()) -> Node:
    """What is taken at a URL."""
    return operation(
        name,
        "What is taken here",
        tag=TAG,
        parameters=parameters,
        answers={
            "204": {
                "description": "Methods, patches, limits",
                "headers": {
                    "Allow": header("The methods"),
                    "Accept-Patch": header(accepted),
                    **LIMIT,
                },
            }
        },
    )


ACCEPTED = f"`{MEDIA_TYPE}`"
ACCEPTED_BY_UPLOAD = f"`{MEDIA_TYPE}, application/json`"


def head(show: Node) -> Node:
    """`HEAD`, whose plain answer is that of `show` without content."""
    plain = reading(show)["head"]
    return {
        **plain,
        "description": f"In interop version {VERSION}: how far the upload has come (204). Whoever "
        "was sending it sends no more then.",
        "parameters": [UPLOAD_IN_PATH, SPOKEN],
        "responses": {
            **plain["responses"],
            "204": {
                "description": "How far it has come",
                "headers": {**RETRIEVED, **JOB_OF_UPLOAD},
            },
            "410": {"description": "It became a job, and is not kept any longer"},
        },
    }


PATCH = operation(
    "patchUpload",
    "Append to a file, or tell its size",
    tag=TAG,
    description=f"`{MEDIA_TYPE}` appends (interop version {VERSION}): what arrives is kept, unless "
    "there is a `Content-Digest`; a new request takes over from one whose connection hangs. JSON "
    "tells the size of a file that was declared without; repeating it is harmless.",
    parameters=[
        UPLOAD_IN_PATH,
        SPOKEN,
        {**OFFSET, "example": "0"},
        INCOMPLETE,
        LENGTH,
        CONTENT_DIGEST,
    ],
    body={
        "required": True,
        "content": {
            MEDIA_TYPE: {},
            JSON: {"schema": ref("Size"), "example": {"size": 1_000_000}},
        },
    },
    answers={
        **INTERIM,
        **json_answer(
            200, "The upload, with its size", ref("Upload"), example=WHOLE_EXAMPLE,
            headers=JOB_OF_UPLOAD,
        ),
        **json_answer(
            201, "The upload is complete: its job", ref("Upload"), example=WHOLE_EXAMPLE,
            headers={**LOCATION, **JOB_OF_UPLOAD, **STANDING},
        ),
        "204": {"description": "The content is kept", "headers": STANDING},
        **problems(
            InvalidInput,
            OffsetConflict,
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
            StorageFull,
            headers={
                **STANDING,
                **JOB_OF_UPLOAD,
                **SPOKEN_HERE,
                "Accept-Patch": header(ACCEPTED_BY_UPLOAD),
            },
        ),
    },
)  # fmt: skip
