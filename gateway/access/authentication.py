"""Finds out who makes a request, and refuses those that may not make it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.origins import HEALTH
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

SCHEME = "bearer"


def bearer_of(request: web.Request) -> str | None:
    """Return the token of `Authorization: Bearer` (RFC 6750, 2.1), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == SCHEME else None


def require_private_token(token: str) -> Middleware:
    """Return a middleware that raises NotAuthenticated for requests without this bearer token.

    The health of the service is shown to all. It is for a service with one client, such as that of
    `csvmill run`.
    """
    expected = token.encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = (bearer_of(request) or "").encode(errors="surrogateescape")
        if request.path not in HEALTH and not hmac.compare_digest(given, expected):
            raise NotAuthenticated("this service answers only to the program that has started it")
        return await handler(request)

    return check
