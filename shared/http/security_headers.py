"""Header fields of every response that limit what a browser does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

SERVER = "csvmill"
"""Without versions, which would tell what a service is vulnerable to."""
OF_PAGES = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""For pages that load and run nothing, and are in no frame. A page that does sets its own."""


_STATES = ("application/json", "application/problem+json")
"""Media types of answers that tell a state, such as that of a job."""


def install(app: web.Application) -> None:
    """Add the fields to every response of an application."""
    app.on_response_prepare.append(_add)


async def _add(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.content_type in _STATES and "Cache-Control" not in response.headers:
        # The next answer may be another one. With an ETag, a cache may ask whether it is.
        response.headers["Cache-Control"] = "no-cache" if response.etag else "no-store"
    if response.content_type == "text/html":
        for name, value in OF_PAGES.items():
            response.headers.setdefault(name, value)
