"""Authentication of callers by a bearer token, and by certificates where there are any."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.mutual_tls import shows_certificate
from shared.blobs.tokens import parse_tokens
from shared.errors import Unauthorized

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that need neither token nor certificate."""


@web.middleware
async def require_certificate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests of callers that show no certificate, except for `OPEN_PATHS`.

    Raises Unauthorized.
    """
    if request.path not in OPEN_PATHS:
        transport = request.transport
        connection = transport.get_extra_info("ssl_object") if transport else None
        if not shows_certificate(connection):
            raise Unauthorized("a certificate of CSVMILL_INTERNAL_CA is required")
    return await handler(request)


def require_token(tokens: str) -> Middleware:
    """Return a middleware that refuses requests without `Authorization: Bearer <token>`.

    `tokens` is the setting, which may have several (see `parse_tokens`). See RFC 6750, section 2.1.
    The middleware raises Unauthorized.
    """
    accepted = [token.encode() for token in parse_tokens(tokens)]

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in OPEN_PATHS:
            scheme, _, received = request.headers.get("Authorization", "").partition(" ")
            sent = received.encode(errors="surrogateescape")
            # Compared with each, so that the time does not tell which one is similar.
            genuine = [hmac.compare_digest(sent, token) for token in accepted]
            if scheme.lower() != "bearer" or not any(genuine):
                raise Unauthorized("Authorization: Bearer <CSVMILL_STORAGE_TOKEN> is required")
        return await handler(request)

    return check
