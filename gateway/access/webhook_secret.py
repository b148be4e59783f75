"""`/api/v1/webhooks/secret`: the secret with which the notifications of a tenant are signed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.addresses import client_address
from gateway.access.caller import principal_of, tenant_of
from gateway.access.key_fields import NO_STORE, fields_of, seconds_in
from gateway.keys import PORTS
from shared.access.acting import Acting
from shared.access.webhook_management import rotate_secret
from shared.access.webhook_secrets import MAX_OVERLAP, OVERLAP
from shared.api.notification import NewWebhookSecretView, WebhookSecretView
from shared.errors import NoWebhookSecret

if TYPE_CHECKING:
    from shared.access.port import Access
    from shared.access.tenant import Tenant


async def require_secret(access: Access, tenant: Tenant) -> None:
    """Raise NoWebhookSecret if notifications of a tenant could not be signed."""
    if await access.webhooks.of_tenant(tenant) is None:
        raise NoWebhookSecret(
            "notifications are signed, and there is no secret yet: create one with `csvmill "
            "webhooks secret`, or POST /api/v1/webhooks/secret, and give it to the receiver"
        )


async def show_secret(request: web.Request) -> web.Response:
    """`GET /api/v1/webhooks/secret`: when the secret was created, but not the secret."""
    secret = await request.app[PORTS].jobs.access.webhooks.of_tenant(tenant_of(request))
    view = WebhookSecretView.of_secret(secret, time.time())
    return web.json_response(view.as_json(), headers=NO_STORE)


async def create_secret(request: web.Request) -> web.Response:
    """`POST /api/v1/webhooks/secret`: sign with a new secret, and show it for the only time."""
    fields = await fields_of(request, {"overlap"})
    overlap = seconds_in(fields, "overlap", int(MAX_OVERLAP), at_least=0)
    principal = principal_of(request)
    who = Acting(principal.tenant, principal.key_id, client_address(request))
    made = await rotate_secret(
        request.app[PORTS].jobs.access.webhooks,
        who,
        principal.tenant,
        overlap=OVERLAP if overlap is None else overlap,
    )
    view = NewWebhookSecretView.of_new(made, time.time())
    return web.json_response(view.as_json(), headers=NO_STORE)
