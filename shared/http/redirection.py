"""Which downloads may be redirected to object storage, and the answer that does so.

Object storage knows the bytes, and one range of them. It knows neither our entity-tags, nor
digests, nor content codings, nor several ranges; and for scripts of web pages it needs a set-up of
its own (CORS). What asks for any of these is answered here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shared.http.conditions import IDENTITY, field_value
from shared.http.digest_fields import sha256_preference
from shared.http.ranges import parse_byte_ranges

if TYPE_CHECKING:
    from shared.http.ranges import Selection

_CONDITIONS = (
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "If-Range",
)
"""Clients send these fields to the next host too, which would compare them with tags and dates of
its own (RFC 9110, 15.4: a redirected request keeps its fields)."""


def may_redirect(request: web.Request, selection: Selection, coding: str) -> bool:
    """Whether object storage would send the selected bytes as they are sent here.

    Asked for what `select` has selected in this content coding.
    """
    if request.method != "GET" or coding != IDENTITY or not selection.size:
        return False
    if selection.status is HTTPStatus.PARTIAL_CONTENT:
        if len(parse_byte_ranges(field_value(request.headers, "Range") or "") or ()) != 1:
            return False
    elif selection.status is not HTTPStatus.OK or "Range" in request.headers:
        return False
    if any(name in request.headers for name in _CONDITIONS):
        return False
    wanted = ("Want-Repr-Digest", "Want-Content-Digest")
    if any(sha256_preference(field_value(request.headers, name)) for name in wanted):
        return False
    return "Origin" not in request.headers and request.headers.get("Sec-Fetch-Mode") in (
        None,
        "navigate",
    )


def redirection(url: str) -> web.Response:
    """Return 307 to a URL that is valid for a short time, so that nothing may store it."""
    return web.Response(
        status=HTTPStatus.TEMPORARY_REDIRECT,
        headers={"Location": url, "Cache-Control": "no-store"},
    )
