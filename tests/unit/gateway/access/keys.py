"""API keys for tests of a gateway that demands them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.access.audit import Action, AuditEntry
from shared.access.keys import ApiKey, KeyText, new_key
from shared.access.principal import Scope
from shared.access.tenant import Tenant

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

ACME = Tenant("acme")


def bearer(key: KeyText | str) -> dict[str, str]:
    """Return the header that authenticates with a key."""
    return {"Authorization": f"Bearer {key if isinstance(key, str) else key.text}"}


def note(action: Action, key_id: str) -> AuditEntry:
    """Return an entry for a change that a test makes."""
    return AuditEntry(time.time(), ACME, None, "local", action, key_id)


async def stored_key(
    gateway: Gateway,
    *scopes: Scope,
    tenant: str = ACME,
    is_operator: bool = False,
    expires_at: float | None = None,
) -> KeyText:
    """Store a key with these scopes, by default all, in the database of a gateway."""
    text = new_key()
    key = ApiKey(
        text.id, Tenant(tenant), "test", frozenset(scopes or Scope), text.digest, time.time(),
        is_operator, expires_at,
    )  # fmt: skip
    await gateway.jobs.access.keys.create(key, note(Action.KEY_CREATED, key.id))
    return text
