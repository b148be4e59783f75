"""Cross-origin access (WHATWG Fetch, "CORS protocol").

We do not use aiohttp-cors: it echoes the origin without `Vary: Origin`, so that shared caches mix
up responses; it adds no header to 404 and 405, so that scripts cannot read them; and it refuses
resources with their own OPTIONS handler, which tus requires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
EXPOSED = (
    "Accept-Patch, Accept-Ranges, Allow, Content-Digest, Content-Disposition, Content-Encoding, "
    "Content-Length, Content-Range, Csvmill-Job, ETag, Link, Location, RateLimit, "
    "RateLimit-Policy, Repr-Digest, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, "
    "Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Complete, Upload-Concat, "
    "Upload-Defer-Length, Upload-Draft-Interop-Version, Upload-Expires, Upload-Length, "
    "Upload-Limit, Upload-Metadata, Upload-Offset, WWW-Authenticate, "
    "X-Request-Id"
)
"""Response header fields that scripts may read, besides those that are always readable."""
PREFLIGHT_MAX_AGE = 7200
"""Seconds for which a browser may cache a preflight response. Chrome allows no more."""


def install(app: web.Application, origins: tuple[str, ...]) -> None:
    """Allow pages from `origins` (`*` is all) to call every URL of `app` and read the responses."""
    if not origins:
        return
    app.on_response_prepare.append(_grant(origins))
    app.middlewares.append(_preflight(origins))


def _allowed(origin: str | None, origins: tuple[str, ...]) -> str | None:
    """Return Access-Control-Allow-Origin for a request from `origin`; None if not allowed."""
    if origin is None:
        return None
    if "*" in origins:
        return "*"
    return origin if origin in origins else None


def _grant(
    origins: tuple[str, ...],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def grant(request: web.Request, response: web.StreamResponse) -> None:
        if "*" not in origins:
            # A cache must not serve the response of one origin to another.
            response.headers.add("Vary", "Origin")
        allowed = _allowed(request.headers.get("Origin"), origins)
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    return grant


def _preflight(origins: tuple[str, ...]) -> Middleware:
    @web.middleware
    async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            request.method != "OPTIONS"
            or "Access-Control-Request-Method" not in request.headers
            or not _allowed(request.headers.get("Origin"), origins)
        ):
            return await handler(request)
        # Any header field may be sent: nothing here depends on cookies.
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": request.headers.get(
                    "Access-Control-Request-Headers", "*"
                ),
                "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE),
            },
        )

    return preflight
