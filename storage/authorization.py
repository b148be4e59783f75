"""Who may call storage: whoever shows the token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import Unauthorized

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


def require_token(token: str) -> Middleware:
    """Refuse what does not carry `Authorization: Bearer <token>` (RFC 6750, section 2.1)."""
    expected = token.encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in OPEN_PATHS:
            scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
            genuine = hmac.compare_digest(shown.encode(errors="surrogateescape"), expected)
            if scheme.lower() != "bearer" or not genuine:
                raise Unauthorized("Authorization: Bearer <CSVMILL_STORAGE_TOKEN> is required")
        return await handler(request)

    return check
