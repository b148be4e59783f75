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
SPOKEN = (
    "send the fields of Dropzone, or chunks to /api/v1/uploads, by tus, or by the IETF's resumable "
    "uploads (/docs)"
)
"""How parts of files are taken."""


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
        f"Content-Range is {given!r}, but it cannot be used to send parts of a file; {SPOKEN}",
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
