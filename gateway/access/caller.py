"""The principal and the tenant of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.keys import SETTINGS
from shared.access.principal import Principal
from shared.errors import NotAuthenticated, ScopeMissing
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from shared.access.principal import Scope
    from shared.access.tenant import Tenant

PRINCIPAL = web.RequestKey("principal", Principal)
"""Where a middleware that authenticates a request puts its principal."""
DEMANDS_KEYS = web.AppKey("demands_keys", bool)
"""Whether such a middleware is there."""
BY_LINK = web.RequestKey("by_link", bool)
"""Whether a signed link has authenticated a request."""


def known_principal(request: web.Request) -> Principal | None:
    """Return who makes a request; None if it was let through without a key that all others need.

    Where no keys are demanded, every request is made by the principal of the tenant that the
    settings name, with all scopes.
    """
    known = request.get(PRINCIPAL)
    if known is None and not request.app.get(DEMANDS_KEYS, False):
        return Principal(request.app[SETTINGS].tenant)
    return known


def principal_of(request: web.Request) -> Principal:
    """Return who makes a request.

    Raises NotAuthenticated if the caller is not known: a route that every client may use has
    nothing of any tenant.
    """
    principal = known_principal(request)
    if principal is None:
        raise NotAuthenticated("send an API key: Authorization: Bearer <key>")
    return principal


def require_scope(request: web.Request, scope: Scope) -> None:
    """Raise ScopeMissing if who makes a request may not do what needs a scope."""
    if scope not in principal_of(request).scopes:
        raise ScopeMissing(f"this needs a key with the scope {scope}", scopes=frozenset({scope}))


@web.middleware
async def named_in_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name tenant and key of a request in the log lines about it. Comes after authentication."""
    principal = known_principal(request)
    if principal is not None:
        bind_ids(tenant=principal.tenant)
        if principal.key_id is not None:
            bind_ids(key_id=principal.key_id)
    return await handler(request)


def tenant_of(request: web.Request) -> Tenant:
    """Return the tenant on whose behalf a request is made. Raises NotAuthenticated."""
    return principal_of(request).tenant
