"""Authentication of callers by a bearer token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import Unauthorized

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that need no token."""


def require_token(token: str) -> Middleware:
    """Return a middleware that refuses requests without `Authorization: Bearer <token>`.

    See RFC 6750, section 2.1. The middleware raises Unauthorized.
    """
    expected = token.encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in OPEN_PATHS:
            scheme, _, received = request.headers.get("Authorization", "").partition(" ")
            genuine = hmac.compare_digest(received.encode(errors="surrogateescape"), expected)
            if scheme.lower() != "bearer" or not genuine:
                raise Unauthorized("Authorization: Bearer <CSVMILL_STORAGE_TOKEN> is required")
        return await handler(request)

    return check
