"""Refuses parts of files, sent by other protocols, that would count as whole files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.errors import InvalidInput, UnsupportedMedia

if TYPE_CHECKING:
    from aiohttp import web

_CREATIONS = {
    "Tus-Resumable": "send creations of tus to /api/tus/",
    "X-Goog-Upload-Protocol": "declare the file in JSON, then send its chunks",
    "X-Upload-Content-Length": "declare the file in JSON, then send its chunks",
}
"""Header fields of requests that announce a file without sending it, and what to do instead."""
_CONTENT_RANGE = re.compile(
    r"bytes +(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<size>[0-9]{1,18})"
)
_CHUNK_FIELDS = {
    "resumableChunkNumber": ("resumable.js", "resumableTotalChunks"),
    "flowChunkNumber": ("flow.js", "flowTotalChunks"),
    "chunkNumber": ("simple-uploader.js", "totalChunks"),
    "chunk": ("Plupload", "chunks"),
    "qqpartindex": ("Fine Uploader", "qqtotalparts"),
    "_chunkNumber": ("ng-file-upload", None),
    "chunk-index": ("Syncfusion", "total-chunk"),
    "chunkMetadata": ("DevExtreme", None),
}
"""Form fields that number a chunk: the client that sends them, and the field with their total."""
CHUNK_FIELDS = frozenset(_CHUNK_FIELDS) | {total for _, total in _CHUNK_FIELDS.values() if total}
"""All of these fields."""
_SPOKEN = (
    "send the fields of Dropzone, or chunks to /api/v1/uploads, by tus, or by the IETF's resumable "
    "uploads (/docs)"
)


def refuse_part_of_file(request: web.Request) -> None:
    """Refuse a request that has a `Content-Range`, unless the range is the whole file.

    Raises InvalidInput: only a server that supports partial PUT may take it (RFC 9110, 14.5).
    """
    given = request.headers.get("Content-Range")
    if given is None:
        return
    match = _CONTENT_RANGE.fullmatch(given.strip())
    if match and int(match["first"]) == 0 and int(match["last"]) + 1 == int(match["size"]):
        return
    raise InvalidInput(
        f"Content-Range is {given!r}, and parts of a file are not taken by it; {_SPOKEN}",
        field="Content-Range",
    )


def refuse_other_body(request: web.Request) -> None:
    """Refuse a request whose content is not bytes of a file alone.

    Raises UnsupportedMedia for a form, and InvalidInput as `refuse_part_of_file` and for creations
    of other protocols.
    """
    refuse_part_of_file(request)
    for field, remedy in _CREATIONS.items():
        if field in request.headers:
            raise InvalidInput(f"{field} belongs to another protocol; {remedy}", field=field)
    if request.content_type.startswith("multipart/"):
        raise UnsupportedMedia(
            f"the request is {request.content_type}, and its framing would be read as records; "
            "send the bytes of the file alone, or the form to /api/upload_file"
        )


class ForeignFields:
    """Collects the fields of a form that number a chunk for other clients than Dropzone."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Add one of `CHUNK_FIELDS`."""
        self._values[name] = value

    def refuse_part_of_file(self) -> None:
        """Raise InvalidInput unless the chunk is the only one of its file."""
        for name, (client, total) in _CHUNK_FIELDS.items():
            if name in self._values and (
                total is None or self._values.get(total, "").strip() != "1"
            ):
                raise InvalidInput(
                    f"field {name} belongs to chunks of {client}, which are not taken; {_SPOKEN}",
                    field=name,
                )
