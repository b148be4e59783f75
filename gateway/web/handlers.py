"""`GET /` and `GET /page/VERSION/PATH`: the page and its files."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.web.files import page
from shared.http.content_codings import GZIP, negotiate_coding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.web.files import File

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{}'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page may load and run: its own files, the styles in the HTML, by their digest, and
pictures that it draws itself."""
POLICY_OF_FILES = "default-src 'none'; script-src 'self'; connect-src 'self'"
"""The same for a file that is a worker, or that is opened by itself."""
SECURITY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
ASK_AGAIN = "no-cache"
"""A cached copy is used only if the server says that it is still the newest."""
FOR_EVER = "public, max-age=31536000, immutable"
"""The URL contains the version, so what it names never changes."""


async def index(request: web.Request) -> web.Response:
    """Return the HTML of the page."""
    found = page()
    policy = POLICY.format(found.style_digest)
    fields = {"Cache-Control": ASK_AGAIN, "Content-Security-Policy": policy, **SECURITY}
    return send(request, found.html, fields)


async def page_file(request: web.Request) -> web.Response:
    """Return a file of the page.

    In the URL of another version, as a tab asks for it that is older than this process, it is the
    file of this version.
    """
    found = page()
    file = found.files.get(request.match_info["path"])
    if file is None:
        raise web.HTTPNotFound
    same = request.match_info["version"] == found.version
    fields = {
        "Cache-Control": FOR_EVER if same else ASK_AGAIN,
        "Content-Security-Policy": POLICY_OF_FILES,
    }
    return send(request, file, fields)


async def client_module(request: web.Request) -> web.Response:
    """Lead to the JavaScript client of this version, at an address that stays."""
    place = f"page/{page().version}{request.path}"
    raise web.HTTPFound(place, headers={"Cache-Control": ASK_AGAIN})


def send(request: web.Request, file: File, fields: Mapping[str, str]) -> web.Response:
    """Return a file with these header fields, compressed if the request accepts that.

    A request that has it is answered 304.
    """
    accepted = ",".join(request.headers.getall("Accept-Encoding", ()))
    compressed = negotiate_coding(accepted, (GZIP,)) == GZIP
    tag = f"{file.digest}-{GZIP}" if compressed else file.digest
    headers = {**fields, "ETag": f'"{tag}"', "Vary": "Accept-Encoding"}
    known = request.if_none_match or ()
    if any(given.value in ("*", tag) for given in known):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if compressed:
        headers["Content-Encoding"] = GZIP
    return web.Response(
        body=file.gzipped if compressed else file.plain,
        content_type=file.content_type,
        charset="utf-8",
        headers=headers,
    )
