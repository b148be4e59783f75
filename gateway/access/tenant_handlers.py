"""`/api/v1/tenants`: the share and the limits of single tenants, for operators."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.addresses import client_address
from gateway.access.caller import principal_of
from gateway.access.key_fields import NO_STORE, fields_of
from gateway.keys import PORTS
from shared.access.acting import Acting
from shared.access.audit import Action
from shared.access.tenant import parse_tenant
from shared.api.tenant import TenantListView, TenantView
from shared.errors import InvalidInput, NotAuthenticated
from shared.http.request_body import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.access.tenant import Tenant

LEAST: Mapping[str, int] = {
    "weight": 1,
    "max_running": 0,
    "max_waiting": 0,
    "max_bytes": 0,
    "max_uploads": 0,
    "max_upload_size": 0,
}
"""The settings that are whole numbers, with the least of each."""
MOST = (1 << 63) - 1
MOST_REQUESTS = 1_000_000
RATE = "requests_per_second"
FIELDS = (*LEAST, RATE)


async def list_tenants(request: web.Request) -> web.Response:
    """`GET /api/v1/tenants`: list what is set for single tenants."""
    found = await request.app[PORTS].jobs.access.quotas.settings()
    view = TenantListView(tenants=tuple(map(TenantView.of_settings, found)))
    return web.json_response(view.as_json(), headers=NO_STORE)


async def change_tenant(request: web.Request) -> web.Response:
    """`PATCH /api/v1/tenants/{tenant}`: change what is set for a tenant, and show all of it.

    Raises InvalidInput, NotAuthenticated.
    """
    principal = principal_of(request)
    if principal.key_id is None:
        raise NotAuthenticated(
            "tenants are managed with a key, and this service demands none (CSVMILL_AUTH=off): use "
            "`csvmill tenants` on its machine"
        )
    tenant = _tenant(request.match_info["tenant"])
    fields = await fields_of(request, FIELDS)
    if not fields:
        raise InvalidInput(f"send at least one of {', '.join(FIELDS)}")
    changes = {name: _number(name, value) for name, value in fields.items()}
    detail = ", ".join(f"{name}={value}" for name, value in changes.items())
    # The entry is of the tenant that is changed: other tenants do not read of it.
    who = Acting(tenant, principal.key_id, client_address(request))
    entry = who.entry(Action.TENANT_CHANGED, tenant, time.time(), detail)
    changed = await request.app[PORTS].jobs.access.quotas.change(tenant, changes, entry)
    return web.json_response(TenantView.of_settings(changed).as_json(), headers=NO_STORE)


def _tenant(name: str) -> Tenant:
    try:
        return parse_tenant(name)
    except ValueError as error:
        raise InvalidInput(f"tenant: {error}", field="tenant") from error


def _number(name: str, value: object) -> float | None:
    """Return the value of a setting; None resets it. Raises InvalidInput."""
    if value is None:
        return None
    if name == RATE:
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            rate = float(value)
            if 0 < rate <= MOST_REQUESTS:
                return rate
        raise InvalidInput(
            f"{name} is {value!r}; send a number above 0, at most {MOST_REQUESTS}, or null",
            field=name,
        )
    number = whole_number(value)
    if number is None or not LEAST[name] <= number <= MOST:
        raise InvalidInput(
            f"{name} is {value!r}; send a whole number from {LEAST[name]} on, or null", field=name
        )
    return number
