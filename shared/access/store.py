"""Keys, audit trail and signing secrets in one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.audit_store import SqlAuditTrail
from shared.access.key_store import SqlKeyStore
from shared.access.quota_store import SqlQuotas
from shared.access.signing_store import SqlSigningSecrets
from shared.access.webhook_secret_store import SqlWebhookSecrets

if TYPE_CHECKING:
    from shared.database.port import Database


class SqlAccess:
    """`Access` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._keys = SqlKeyStore(database)
        self._audit = SqlAuditTrail(database)
        self._signing = SqlSigningSecrets(database)
        self._quotas = SqlQuotas(database)
        self._webhooks = SqlWebhookSecrets(database)

    @property
    def keys(self) -> SqlKeyStore:
        """See `Access`."""
        return self._keys

    @property
    def audit(self) -> SqlAuditTrail:
        """See `Access`."""
        return self._audit

    @property
    def signing(self) -> SqlSigningSecrets:
        """See `Access`."""
        return self._signing

    @property
    def quotas(self) -> SqlQuotas:
        """See `Access`."""
        return self._quotas

    @property
    def webhooks(self) -> SqlWebhookSecrets:
        """See `Access`."""
        return self._webhooks
