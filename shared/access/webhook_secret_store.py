"""The secrets of webhooks in the database. A rotation is recorded in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.access.audit_store import audit_statement
from shared.access.queries import AccessQueries
from shared.access.tenant import Tenant
from shared.access.webhook_secrets import WebhookSecret
from shared.database.port import Statement

if TYPE_CHECKING:
    from shared.access.audit import AuditEntry
    from shared.database.port import Database, Row, Steps


class SqlWebhookSecrets:
    """`WebhookSecrets` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = AccessQueries.load()

    async def of_tenant(self, tenant: Tenant) -> WebhookSecret | None:
        """See `WebhookSecrets`."""
        rows = await self._database.read(self._sql.webhook_secret, tenant)
        return _secret_of(rows[0]) if rows else None

    async def rotate(
        self, tenant: Tenant, secret: str, entry: AuditEntry, *, previous_until: float
    ) -> WebhookSecret:
        """See `WebhookSecrets`."""

        def steps() -> Steps[WebhookSecret]:
            (row,) = yield Statement(
                self._sql.rotate_webhook_secret, (tenant, secret, entry.at, previous_until)
            )
            yield audit_statement(replace(entry, tenant=tenant))
            return _secret_of(row)

        return await self._database.perform(steps())


def _secret_of(row: Row) -> WebhookSecret:
    return WebhookSecret(
        tenant=Tenant(row["tenant"]),
        secret=row["secret"],
        created_at=row["created_at"],
        previous_secret=row["previous_secret"],
        previous_until=row["previous_until"],
    )
