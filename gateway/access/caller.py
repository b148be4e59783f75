"""The principal and the tenant of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.keys import SETTINGS
from shared.access.principal import Principal
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from shared.access.tenant import Tenant

PRINCIPAL = web.RequestKey("principal", Principal)
"""Where a middleware that authenticates a request puts its principal."""


def principal_of(request: web.Request) -> Principal:
    """Return who makes a request.

    A request that no middleware has authenticated is made by the principal of the tenant that the
    settings name, with all scopes.
    """
    known = request.get(PRINCIPAL)
    return Principal(request.app[SETTINGS].tenant) if known is None else known


@web.middleware
async def named_in_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the tenant of a request in the log lines about it. Comes after authentication."""
    bind_ids(tenant=tenant_of(request))
    return await handler(request)


def tenant_of(request: web.Request) -> Tenant:
    """Return the tenant on whose behalf a request is made."""
    return principal_of(request).tenant
