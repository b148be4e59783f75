"""Reads JSON request bodies, and limits how many large ones a gateway holds."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.access.tenant_turns import TenantTurns
from gateway.keys import SETTINGS
from shared.errors import TooBusy
from shared.http.request_body import json_body

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

SMALL = 64 << 10
"""Bytes of a body that is read at once. Most have less than a thousandth of them."""
LARGE_AT_A_TIME = 64
"""Larger bodies, each of up to 1 MiB, that one gateway reads at the same time."""
LARGE_OF_TENANT = 16
"""The same of one tenant."""


def json_turns() -> TenantTurns:
    """Return the turns of tenants to send a large body."""
    return TenantTurns(LARGE_AT_A_TIME, of_tenant=LARGE_OF_TENANT)


JSON_TURNS = web.AppKey("json_turns", TenantTurns)


async def read_json(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises as `json_body`, and TooBusy if others of the tenant keep this one waiting for as long as
    a body may take.
    """
    settings: GatewaySettings = request.app[SETTINGS]
    size = request.content_length
    async with AsyncExitStack() as turn:
        if size is None or size > SMALL:
            turns = request.app[JSON_TURNS].one(tenant_of(request), wait=settings.client_timeout)
            try:
                await turn.enter_async_context(turns)
            except TimeoutError:
                raise TooBusy(
                    "too many requests with large JSON bodies are in progress: the limit is "
                    f"{LARGE_OF_TENANT} for a tenant and {LARGE_AT_A_TIME} in all; try again later"
                ) from None
        return await json_body(request, settings.client_timeout)
