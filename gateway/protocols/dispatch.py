"""Which protocol a request to `/api/v1/uploads` uses.

| request | protocol |
|---|---|
| `POST` of `application/json` | native: a file is declared |
| `POST` or `PUT` of other content, interop version 8, with `Upload-Complete` | IETF: creation |
| the same otherwise | native: a whole file |
| `HEAD`, interop version 8 | IETF: offset retrieval |
| `HEAD` otherwise, `GET` | native: an upload is described |
| `PATCH` of `application/partial-upload` | IETF: append |
| `PATCH` of `application/json` | native: the size is declared |

`DELETE` is the same in both, and `OPTIONS` answers with the limits of the IETF protocol. A creation
with `Upload-Complete: ?0` in another version than 8 is refused: its content is only the first part
of a file, and must not be taken for the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import require_scope
from gateway.http.errors import FIELDS
from gateway.keys import SETTINGS
from gateway.protocols.common.foreign import refuse_other_body, refuse_part_of_file
from gateway.protocols.common.response import upload_limit
from gateway.protocols.ietf import handlers as ietf
from gateway.protocols.ietf.headers import (
    MEDIA_TYPE,
    VERSION,
    VERSION_FIELD,
    UploadFields,
    has_version,
)
from gateway.protocols.native.handlers import create_upload, declare_size, show_upload
from gateway.protocols.native.whole_file import put_file
from shared.access.principal import Scope
from shared.errors import UnsupportedMedia, UnsupportedVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json"
_FILE_FIELDS = ("Content-Disposition", "Upload-Complete")
"""Fields that show that the content of a request is a file."""


async def post(request: web.Request) -> web.Response:
    """Declare a file, or store one."""
    if request.content_type == JSON:
        return await create_upload(request)
    if "name" not in request.query and not any(field in request.headers for field in _FILE_FIELDS):
        raise UnsupportedMedia(
            f"the request is {request.content_type}; send {JSON}, or the file itself with ?name="
        )
    return await put(request)


async def put(request: web.Request) -> web.Response:
    """Store a file, or the first part of one."""
    refuse_other_body(request)
    complete = UploadFields.of(request.headers).complete
    if complete is None:
        return await put_file(request)
    if has_version(request):
        return await ietf.create(request)
    if not complete:
        raise _unsupported_version(request)
    return await put_file(request)


async def head(request: web.Request) -> web.Response:
    """Describe an upload in headers."""
    if not has_version(request):
        return await show_upload(request)
    require_scope(request, Scope.UPLOAD)  # it ends an append in progress
    return await ietf.show(request)


async def patch(request: web.Request) -> web.Response:
    """Append to an upload, or declare its size."""
    if request.content_type == JSON:
        return await declare_size(request)
    if request.content_type != MEDIA_TYPE:
        request[FIELDS] = {"Accept-Patch": f"{MEDIA_TYPE}, {JSON}"}  # RFC 5789, 2.2
        raise UnsupportedMedia(f"the request is {request.content_type}; send {MEDIA_TYPE}")
    if not has_version(request):
        raise _unsupported_version(request)
    refuse_part_of_file(request)
    return await ietf.append(request)


async def options(request: web.Request) -> web.Response:
    """List the methods and limits of the collection."""
    return _options(request, ("GET", "HEAD", "OPTIONS", "POST", "PUT"), (MEDIA_TYPE,))


async def options_of_upload(request: web.Request) -> web.Response:
    """List the methods and limits of an upload, whether it exists or not."""
    methods = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH")
    return _options(request, methods, (MEDIA_TYPE, JSON))


def _options(request: web.Request, methods: Iterable[str], patches: Iterable[str]) -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Allow": ", ".join(methods),
            "Accept-Patch": ", ".join(patches),
            "Upload-Limit": upload_limit(request.app[SETTINGS]),
        },
    )


def _unsupported_version(request: web.Request) -> UnsupportedVersion:
    request[FIELDS] = {VERSION_FIELD: str(VERSION)}
    given = request.headers.get(VERSION_FIELD)
    return UnsupportedVersion(f"{VERSION_FIELD} is {given!r}; send {VERSION}")
