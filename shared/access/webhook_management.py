"""Replacing the secret of webhooks, for the admin API and the command line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.access.audit import Action
from shared.access.webhook_secrets import OVERLAP, new_secret

if TYPE_CHECKING:
    from shared.access.acting import Acting
    from shared.access.port import WebhookSecrets
    from shared.access.tenant import Tenant
    from shared.access.webhook_secrets import WebhookSecret


async def rotate_secret(
    store: WebhookSecrets, who: Acting, tenant: Tenant, *, overlap: float = OVERLAP
) -> WebhookSecret:
    """Give a tenant a new secret, and return it. The one before signs too for `overlap` seconds.

    Raises DatabaseUnavailable.
    """
    now = time.time()
    entry = who.entry(Action.WEBHOOKS_ROTATED, tenant, now, f"overlap {overlap:g} s")
    return await store.rotate(tenant, new_secret(), entry, previous_until=now + overlap)
