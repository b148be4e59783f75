"""Which dialect a request below `/api/v1/uploads` speaks: every request speaks exactly one.

| request | what it is |
|---|---|
| `POST` of `application/json` | native: a file is declared |
| `POST` or `PUT` of anything else, in interop version 8, with `Upload-Complete` | IETF: creation |
| the same otherwise | native: a whole file |
| `HEAD` in interop version 8 | IETF: offset retrieval |
| `HEAD` otherwise, `GET` | native: what has been received |
| `PATCH` of `application/partial-upload` | IETF: append |
| `PATCH` of `application/json` | native: the size is told |

`DELETE` means the same in both, and `OPTIONS` tells the IETF dialect's limits. A creation that says
`Upload-Complete: ?0` in another version than 8 is refused: what it has is only the beginning of a
file, and must not pass for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.errors import FIELDS
from gateway.keys import SETTINGS
from gateway.protocols.ietf import handlers as ietf
from gateway.protocols.ietf.headers import (
    MEDIA_TYPE,
    VERSION,
    VERSION_FIELD,
    UploadFields,
    is_spoken,
    limits,
)
from gateway.protocols.native.handlers import create_upload, declare_size, show_upload
from gateway.protocols.native.whole_file import put_file
from shared.errors import UnsupportedMedia, UnsupportedVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json"
_OF_FILES = ("Content-Disposition", "Upload-Complete")
"""Fields by which a request says that its content is a file."""


async def post(request: web.Request) -> web.Response:
    """Declare a file, or send one."""
    if request.content_type == JSON:
        return await create_upload(request)
    if "name" not in request.query and not any(field in request.headers for field in _OF_FILES):
        raise UnsupportedMedia(
            f"the request is {request.content_type}; send {JSON}, or the file itself with ?name="
        )
    return await put(request)


async def put(request: web.Request) -> web.Response:
    """Send a file, or the beginning of one."""
    complete = UploadFields.of(request.headers).complete
    if complete is None:
        return await put_file(request)
    if is_spoken(request):
        return await ietf.create(request)
    if not complete:
        raise _not_spoken(request)
    return await put_file(request)


async def head(request: web.Request) -> web.Response:
    """Tell how far an upload has come."""
    return await (ietf.show if is_spoken(request) else show_upload)(request)


async def patch(request: web.Request) -> web.Response:
    """Append to an upload, or tell its size."""
    if request.content_type == JSON:
        return await declare_size(request)
    if request.content_type != MEDIA_TYPE:
        request[FIELDS] = {"Accept-Patch": f"{MEDIA_TYPE}, {JSON}"}  # RFC 5789, 2.2
        raise UnsupportedMedia(f"the request is {request.content_type}; send {MEDIA_TYPE}")
    if not is_spoken(request):
        raise _not_spoken(request)
    return await ietf.append(request)


async def options(request: web.Request) -> web.Response:
    """Tell what is taken here."""
    return _options(request, ("OPTIONS", "POST", "PUT"), (MEDIA_TYPE,))


async def options_of_upload(request: web.Request) -> web.Response:
    """Tell what can be done with an upload, whether there is such a one or not."""
    methods = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH")
    return _options(request, methods, (MEDIA_TYPE, JSON))


def _options(request: web.Request, methods: Iterable[str], patches: Iterable[str]) -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Allow": ", ".join(methods),
            "Accept-Patch": ", ".join(patches),
            "Upload-Limit": limits(request.app[SETTINGS]),
        },
    )


def _not_spoken(request: web.Request) -> UnsupportedVersion:
    request[FIELDS] = {VERSION_FIELD: str(VERSION)}
    given = request.headers.get(VERSION_FIELD)
    return UnsupportedVersion(f"{VERSION_FIELD} is {given!r}; send {VERSION}")
