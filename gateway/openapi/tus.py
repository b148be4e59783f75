"""`/api/tus`: the tus protocol 1.0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.examples import UPLOAD_ID
from gateway.openapi.parts import (
    JSON,
    QUOTA,
    errors,
    header,
    operation,
    parameter,
    ref,
    refusals,
    summary_of,
)
from gateway.openapi.upload_parts import NOTIFY_IN_QUERY
from gateway.protocols.tus.handlers import CONTENT_TYPE, VERSION
from shared.errors import (
    AppendLeaseLost,
    BadRowsFound,
    BlobConflict,
    BodyTooSlow,
    BytesDiffer,
    ChunkOutOfBounds,
    InputRemoved,
    InvalidInput,
    NoWebhookSecret,
    OffsetConflict,
    OriginRefused,
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
    "Upload-Offset": header("Bytes received", _NUMBER),
    "Upload-Length": header("Bytes of the file, if known", _NUMBER),
    "Upload-Defer-Length": header("`1` while the size is unknown", _STRING),
    "Upload-Metadata": header("As declared"),
    "Upload-Concat": header("As declared"),
    "Upload-Expires": header("When the upload is deleted if no more bytes arrive"),
    "Cache-Control": header("`no-store`"),
    "Location": header(
        "URL of the upload; its path if the service does not know its own host",
        {"type": "string", "format": "uri-reference"},
    ),
    "Csvmill-Job": header("Path of the job, if the upload has become one"),
    "Tus-Version": header("The supported versions"),
    "Tus-Extension": header("The supported extensions"),
    "Tus-Max-Size": header("Maximum size of an upload in bytes", _NUMBER),
    "Tus-Checksum-Algorithm": header("The supported algorithms of `Upload-Checksum`"),
    "Tus-Resumable": header("The supported version", {"const": VERSION}),
}

_VERSION = parameter(
    "Tus-Resumable",
    "header",
    "The version of the client",
    {"const": VERSION},
    required=True,
)
_UPLOAD = parameter(
    "upload", "path", "The id of an upload", {"type": "string", "format": "uuid"}, example=UPLOAD_ID
)
_CHECKSUM = parameter(
    "Upload-Checksum",
    "header",
    "`sha1`, `sha256`, `sha512`, `md5` or `crc32`, and the checksum in base64; other bytes are not "
    "kept",
    _STRING,
)
_OFFSET = parameter(
    "Upload-Offset",
    "header",
    "The current offset of the upload, as `HEAD` returns it",
    _NUMBER,
    example=0,
)
_LENGTH = parameter("Upload-Length", "header", "Bytes of the file", _NUMBER)
_BODY: Node = {"description": "The bytes of the file", "content": {CONTENT_TYPE: {}}}


def _answer(description: str, *fields: str) -> Node:
    names = ("Tus-Resumable", *fields)
    return {"description": description, "headers": {name: _FIELDS[name] for name in names}}


def _error(words: str) -> Node:
    example = {"status": "error", "message": words}
    return {
        "description": words,
        "content": {JSON: {"schema": ref("Error"), "example": example}},
    }


_STATE = ("Upload-Offset", "Upload-Expires", "Csvmill-Job")
_OTHER_METHOD = {
    "405": _error("`X-HTTP-Method-Override` names a method that this URL does not support")
}
_SENDING = {
    **errors(
        InvalidInput,
        SpecMismatch,
        BadRowsFound,
        ChunkOutOfBounds,
        BlobConflict,
        UploadNotFound,
        AppendLeaseLost,
        BytesDiffer,
        InputRemoved,
        UploadGone,
        UnsupportedVersion,
        UploadTooLarge,
        UnsupportedMedia,
        BodyTooSlow,
        StorageFull,
        *QUOTA,
    ),
    "460": _error("The bytes do not have the declared checksum; none of them were kept"),
}
_WITHOUT_SECRET = {
    status: answer
    for status, answer in errors(
        AppendLeaseLost, BytesDiffer, InputRemoved, NoWebhookSecret
    ).items()
    if status == "409"
}
_SHOWN = {
    "200": _answer(
        "The state of the upload",
        *_STATE,
        "Upload-Length",
        "Upload-Defer-Length",
        "Upload-Metadata",
        "Upload-Concat",
        "Cache-Control",
    )
}
_PATCHED = {
    "204": _answer("The bytes are stored", *_STATE),
    **_OTHER_METHOD,
    **_SENDING,
    **errors(OffsetConflict, AppendLeaseLost, BytesDiffer, InputRemoved),
    "403": _error(f"A final upload accepts no bytes. Or: {summary_of(OriginRefused)}"),
}
_TERMINATED = {
    "204": _answer("The upload is removed"),
    **_OTHER_METHOD,
    **errors(UploadNotFound, UploadGone, UnsupportedVersion),
}


def _options(name: str, parameters: Iterable[Node] = ()) -> Node:
    return operation(
        name,
        "Show the supported version and extensions",
        tag=TAG,
        parameters=parameters,
        answers={
            "204": _answer(
                "Version, extensions and limits",
                "Tus-Version",
                "Tus-Extension",
                "Tus-Max-Size",
                "Tus-Checksum-Algorithm",
            ),
            **refusals(),
        },
    )


def _create(name: str) -> Node:
    return operation(
        name,
        "Create an upload, or concatenate uploads",
        tag=TAG,
        description="The size may be declared later. The request may contain the first bytes.",
        parameters=[
            _VERSION,
            _LENGTH,
            parameter(
                "Upload-Defer-Length", "header", "`1`: the size is declared later", {"const": "1"}
            ),
            parameter(
                "Upload-Metadata",
                "header",
                "`filename`, `spec` (the JSON of an `Aggregation`) and `fail_early` (`true` or "
                "`false`), each with its value in base64; other keys are stored",
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
            NOTIFY_IN_QUERY,
        ],
        body=_BODY,
        answers={
            "201": _answer("The upload", "Location", *_STATE),
            **_OTHER_METHOD,
            **_SENDING,
            **_WITHOUT_SECRET,
        },
    )


SHOW = operation(
    "showTusUpload",
    "Show the offset of an upload",
    tag=TAG,
    description="Aborts any append in progress.",
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
    "Append bytes to an upload",
    tag=TAG,
    description="Received bytes are kept even if the request fails, unless it has a checksum. A "
    "new request replaces one whose connection hangs.",
    parameters=[_VERSION, _UPLOAD, {**_OFFSET, "required": True}, _LENGTH, _CHECKSUM],
    body=_BODY,
    answers=_PATCHED,
)

TERMINATE = operation(
    "terminateTusUpload",
    "Remove an upload",
    tag=TAG,
    description="Cancels the job of the upload, unless it has ended: then the job and its result "
    "are kept, but a failed job can no longer be retried.",
    parameters=[_VERSION, _UPLOAD],
    answers=_TERMINATED,
)

OVERRIDDEN = operation(
    "overriddenTusUpload",
    "Any of these methods, for clients that can only send `POST`",
    tag=TAG,
    description="The header also overrides the method of other requests, but not `HEAD`.",
    parameters=[
        _VERSION,
        _UPLOAD,
        parameter(
            "X-HTTP-Method-Override",
            "header",
            "The method to apply",
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
    },
)

PATHS: Node = {
    "/api/tus": {"options": _options("tusOptions"), "post": _create("createTusUpload")},
    "/api/tus/": {"options": _options("tusOptionsSlash"), "post": _create("createTusUploadSlash")},
    "/api/tus/{upload}": {
        "options": _options(
            "tusUploadOptions",
            # The upload need not exist.
            [{**_UPLOAD, "schema": {"type": "string", "minLength": 1}}],
        ),
        "head": SHOW,
        "patch": PATCH,
        "delete": TERMINATE,
        "post": OVERRIDDEN,
    },
}
