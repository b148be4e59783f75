"""`/api/tus`: the tus protocol 1.0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.parts import JSON, errors, header, operation, parameter, ref
from gateway.openapi.schemas import UPLOAD_ID
from gateway.protocols.tus.handlers import CONTENT_TYPE, VERSION
from shared.errors import (
    AppendLeaseLost,
    BlobConflict,
    ChunkOutOfBounds,
    InvalidInput,
    OffsetConflict,
    SpecMismatch,
    StorageFull,
    UnsupportedMedia,
    UnsupportedVersion,
    UploadGone,
    UploadNotFound,
    UploadTooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.openapi.parts import Node

TAG = "tus"

_NUMBER: Node = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_STRING: Node = {"type": "string"}

_FIELDS = {
    "Upload-Offset": header("How many bytes have been received", _NUMBER),
    "Upload-Length": header("Bytes of the file, if that is known", _NUMBER),
    "Upload-Defer-Length": header("`1`, while the size is not known", _STRING),
    "Upload-Metadata": header("As it was declared"),
    "Upload-Concat": header("As it was declared"),
    "Upload-Expires": header("When it is removed, if nothing more is sent"),
    "Cache-Control": header("`no-store`"),
    "Location": header("Path of the upload", {"type": "string", "format": "uri-reference"}),
    "Csvmill-Job": header("Path of the job, if it has become one"),
    "Tus-Version": header("The versions that are spoken"),
    "Tus-Extension": header("The extensions that are spoken"),
    "Tus-Max-Size": header("Bytes that an upload may have", _NUMBER),
    "Tus-Checksum-Algorithm": header("What `Upload-Checksum` may be"),
    "Tus-Resumable": header("The version that is spoken", {"const": VERSION}),
}

_VERSION = parameter(
    "Tus-Resumable",
    "header",
    "The version that the client speaks",
    {"const": VERSION},
    required=True,
)
_UPLOAD = parameter(
    "upload", "path", "The id of an upload", {"type": "string", "format": "uuid"}, example=UPLOAD_ID
)
_CHECKSUM = parameter(
    "Upload-Checksum",
    "header",
    "`sha1`, `sha256` or `crc32`, and the digest in base64: the bytes are kept if it is right",
    _STRING,
)
_OFFSET = parameter(
    "Upload-Offset", "header", "Where the upload is, as `HEAD` tells it", _NUMBER, example=0
)
_LENGTH = parameter("Upload-Length", "header", "Bytes of the file", _NUMBER)
_BODY: Node = {"description": "The bytes as they are", "content": {CONTENT_TYPE: {}}}


def _answer(description: str, *fields: str) -> Node:
    names = ("Tus-Resumable", *fields)
    return {"description": description, "headers": {name: _FIELDS[name] for name in names}}


def _error(words: str) -> Node:
    example = {"status": "error", "message": words}
    return {
        "description": words,
        "content": {JSON: {"schema": ref("Error"), "example": example}},
    }


_STANDING = ("Upload-Offset", "Upload-Expires", "Csvmill-Job")
_OTHER_METHOD = {
    "405": _error("`X-HTTP-Method-Override` names a method that this URL does not know")
}
_SENDING = {
    **errors(
        InvalidInput,
        SpecMismatch,
        ChunkOutOfBounds,
        BlobConflict,
        UploadNotFound,
        AppendLeaseLost,
        UploadGone,
        UnsupportedVersion,
        UploadTooLarge,
        UnsupportedMedia,
        StorageFull,
    ),
    "460": _error("The bytes are not what their checksum says; nothing of them was kept"),
}
_SHOWN = {
    "200": _answer(
        "How far it has come",
        *_STANDING,
        "Upload-Length",
        "Upload-Defer-Length",
        "Upload-Metadata",
        "Upload-Concat",
        "Cache-Control",
    )
}
_PATCHED = {
    "204": _answer("The bytes are kept", *_STANDING),
    "403": _error("A final upload takes no bytes"),
    **_OTHER_METHOD,
    **_SENDING,
    **errors(OffsetConflict, AppendLeaseLost),
}
_TERMINATED = {
    "204": _answer("It is removed"),
    **_OTHER_METHOD,
    **errors(UploadNotFound, UploadGone, UnsupportedVersion),
}


def _options(name: str, parameters: Iterable[Node] = ()) -> Node:
    return operation(
        name,
        "What is spoken here",
        tag=TAG,
        parameters=parameters,
        answers={
            "204": _answer(
                "Version, extensions, limits",
                "Tus-Version",
                "Tus-Extension",
                "Tus-Max-Size",
                "Tus-Checksum-Algorithm",
            )
        },
    )


def _create(name: str) -> Node:
    return operation(
        name,
        "Declare an upload, or make one of others",
        tag=TAG,
        description="Its size may be told later, and bytes may come along.",
        parameters=[
            _VERSION,
            _LENGTH,
            parameter(
                "Upload-Defer-Length", "header", "`1`: the size is told later", {"const": "1"}
            ),
            parameter(
                "Upload-Metadata",
                "header",
                "`filename` and its value in base64; so with `spec`, the JSON of an `Aggregation` "
                "that says what to compute; others are kept",
                _STRING,
                example="filename cGxheXMuY3N2",
            ),
            parameter(
                "Upload-Concat",
                "header",
                "`partial`; or `final;` and the URLs of partial uploads, separated by spaces",
                _STRING,
            ),
            _CHECKSUM,
        ],
        body=_BODY,
        answers={
            "201": _answer("The upload", "Location", *_STANDING),
            **_OTHER_METHOD,
            **_SENDING,
        },
    )


SHOW = operation(
    "showTusUpload",
    "How far an upload has come",
    tag=TAG,
    description="Whoever was sending it sends no more then.",
    parameters=[_VERSION, _UPLOAD],
    answers={
        **_SHOWN,
        **{
            status: {key: value for key, value in answer.items() if key != "content"}
            for status, answer in {
                **_OTHER_METHOD,
                **errors(UploadNotFound, UploadGone, UnsupportedVersion),
            }.items()
        },
    },
)

PATCH = operation(
    "patchTusUpload",
    "Send the next bytes of a file",
    tag=TAG,
    description="Whatever arrives is kept, unless there is a checksum. A new request takes over "
    "from one whose connection hangs.",
    parameters=[_VERSION, _UPLOAD, {**_OFFSET, "required": True}, _LENGTH, _CHECKSUM],
    body=_BODY,
    answers=_PATCHED,
)

TERMINATE = operation(
    "terminateTusUpload",
    "Remove an upload",
    tag=TAG,
    description="Its job is cancelled, unless it has ended: then job and result stay, but one that "
    "has failed cannot be retried any more.",
    parameters=[_VERSION, _UPLOAD],
    answers=_TERMINATED,
)

OVERRIDDEN = operation(
    "overriddenTusUpload",
    "Any of these, for clients that can send `POST` only",
    tag=TAG,
    description="The header counts in requests by the other methods too, whose own is passed over.",
    parameters=[
        _VERSION,
        _UPLOAD,
        parameter(
            "X-HTTP-Method-Override",
            "header",
            "What is meant",
            {"enum": ["PATCH", "DELETE", "HEAD"]},
            required=True,
        ),
        _OFFSET,
        _LENGTH,
        _CHECKSUM,
    ],
    body=_BODY,
    answers={
        **_SHOWN,
        **_PATCHED,
        **errors(OffsetConflict, AppendLeaseLost),
    },
)

PATHS: Node = {
    "/api/tus": {"options": _options("tusOptions"), "post": _create("createTusUpload")},
    "/api/tus/": {"options": _options("tusOptionsSlash"), "post": _create("createTusUploadSlash")},
    "/api/tus/{upload}": {
        "options": _options(
            "tusUploadOptions",
            # Whether there is such an upload does not matter.
            [{**_UPLOAD, "schema": {"type": "string", "minLength": 1}}],
        ),
        "head": SHOW,
        "patch": PATCH,
        "delete": TERMINATE,
        "post": OVERRIDDEN,
    },
}
