"""The contract of `WebhookSecrets`, on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.audit import Action, AuditEntry, AuditFilter
from shared.access.tenant import Tenant
from shared.access.webhook_secrets import WebhookSecret

if TYPE_CHECKING:
    from shared.access.store import SqlAccess

ACME, OTHER = Tenant("acme"), Tenant("other")


def entry(at: float, tenant: Tenant = ACME) -> AuditEntry:
    return AuditEntry(at, tenant, "k1", "10.0.0.1", Action.WEBHOOKS_ROTATED, tenant)


async def test_a_tenant_has_no_secret_at_first(access: SqlAccess) -> None:
    assert await access.webhooks.of_tenant(ACME) is None


async def test_the_first_secret_has_none_before(access: SqlAccess) -> None:
    made = await access.webhooks.rotate(ACME, "whsec_a", entry(1.0), previous_until=9.0)
    assert made == WebhookSecret(ACME, "whsec_a", 1.0)
    assert await access.webhooks.of_tenant(ACME) == made
    assert await access.webhooks.of_tenant(OTHER) is None
    assert made.valid(5.0) == ("whsec_a",)


async def test_the_secret_before_signs_too_until_its_time(access: SqlAccess) -> None:
    for number, text in enumerate(("whsec_a", "whsec_b", "whsec_c"), start=1):
        await access.webhooks.rotate(ACME, text, entry(float(number)), previous_until=9.0)
    found = await access.webhooks.of_tenant(ACME)
    assert found == WebhookSecret(ACME, "whsec_c", 3.0, "whsec_b", 9.0)
    assert found.valid(8.9) == ("whsec_c", "whsec_b")
    assert found.valid(9.0) == ("whsec_c",)


async def test_a_rotation_is_recorded_for_the_tenant_and_shows_no_secret(
    access: SqlAccess,
) -> None:
    made = await access.webhooks.rotate(ACME, "whsec_a", entry(1.0, OTHER), previous_until=9.0)
    (found,) = await access.audit.entries(AuditFilter(), limit=9)
    assert (found.tenant, found.action, found.at) == (ACME, Action.WEBHOOKS_ROTATED, 1.0)
    assert "whsec_a" not in f"{found}{made}"
