"""The principal and the tenant of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.access.principal import Principal
from shared.errors import NotAuthenticated, ScopeMissing

if TYPE_CHECKING:
    from shared.access.principal import Scope
    from shared.access.tenant import Tenant

PRINCIPAL = web.RequestKey("principal", Principal)
"""Who makes a request; missing if it was let in without a key that all others need."""
BY_LINK = web.RequestKey("by_link", bool)
"""Whether a signed link has authenticated a request."""


def principal_of(request: web.Request) -> Principal:
    """Return who makes a request.

    Raises NotAuthenticated if the caller is not known: a route that every client may use has
    nothing of any tenant.
    """
    principal: Principal | None = request.get(PRINCIPAL)
    if principal is None:
        raise NotAuthenticated("send an API key: Authorization: Bearer <key>")
    return principal


def require_scope(request: web.Request, scope: Scope) -> None:
    """Raise ScopeMissing if who makes a request may not do what needs a scope."""
    if scope not in principal_of(request).scopes:
        raise ScopeMissing(f"this needs a key with the scope {scope}", scopes=frozenset({scope}))


def tenant_of(request: web.Request) -> Tenant:
    """Return the tenant on whose behalf a request is made. Raises NotAuthenticated."""
    return principal_of(request).tenant
