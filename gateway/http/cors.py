"""Cross-origin access (WHATWG Fetch, "CORS protocol").

We do not use aiohttp-cors: it echoes the origin without `Vary: Origin`, so that shared caches mix
up responses; it adds no header to 404 and 405, so that scripts cannot read them; and it refuses
resources with their own OPTIONS handler, which tus requires.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

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


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages that may call every URL, and read the answers: those of `origins` (`*` is all)."""

    origins: tuple[str, ...] = ()

    def preflight(self, request: web.Request) -> web.Response | None:
        """Return the answer to a preflight request of such a page; None for all others."""
        if (
            request.method != "OPTIONS"
            or "Access-Control-Request-Method" not in request.headers
            or not self._allowed(request.headers.get("Origin"))
        ):
            return None
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

    async def grant(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let such a page read a response: an `on_response_prepare`."""
        if "*" not in self.origins:
            # A cache must not serve the response of one origin to another.
            response.headers.add("Vary", "Origin")
        allowed = self._allowed(request.headers.get("Origin"))
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    def _allowed(self, origin: str | None) -> str | None:
        """Return Access-Control-Allow-Origin for a request from `origin`; None if not allowed."""
        if origin is None:
            return None
        if "*" in self.origins:
            return "*"
        return origin if origin in self.origins else None
