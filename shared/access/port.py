"""The ports to keys, audit trail and signing secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from uuid import UUID

    from shared.access.audit import AuditEntry, AuditFilter
    from shared.access.keys import ApiKey
    from shared.access.limits import Limits, Refusal, TenantSettings, Usage
    from shared.access.tenant import Tenant
    from shared.access.webhook_secrets import WebhookSecret


class KeyStore(Protocol):
    """Holds the API keys of all tenants. Every change is recorded in the audit trail with it.

    With a `tenant`, a method knows only the keys of that tenant that are no operator's; None stands
    for all keys. A change is recorded for the tenant whose key it is, whichever caller makes it.
    """

    async def create(self, key: ApiKey, entry: AuditEntry) -> None:
        """Store a new key, instead of an ended one if the tenant has `MAX_KEYS`.

        Raises TooManyKeys if none of those has ended.
        """
        ...

    async def find(self, key_id: str) -> ApiKey | None:
        """Return a key, also one that has expired or is revoked; None if there is none."""
        ...

    async def listed(self, tenant: Tenant | None) -> list[ApiKey]:
        """Return the keys, the oldest first, also those that have expired or are revoked."""
        ...

    async def exist(self, *, now: float) -> bool:
        """Whether there is a key that is neither revoked nor expired."""
        ...

    async def revoke(
        self, key_id: str, entry: AuditEntry, *, tenant: Tenant | None
    ) -> ApiKey | None:
        """Revoke a key at the time of the entry, and return it; None if there is none.

        The key stays revoked since the first time.
        """
        ...

    async def rotate(
        self,
        key_id: str,
        digest: str,
        entry: AuditEntry,
        *,
        previous_until: float,
        tenant: Tenant | None,
    ) -> ApiKey | None:
        """Give a key a new digest, and return it; None if there is none, or it is revoked.

        The previous digest is valid until `previous_until`; the one before that is not any more.
        """
        ...

    async def used(self, key_id: str, *, at: float) -> None:
        """Record when a key was used. An earlier time changes nothing."""
        ...


class AuditTrail(Protocol):
    """Holds what was done, by whom. Entries are added, and removed when their retention ends."""

    async def record(self, *entries: AuditEntry) -> None:
        """Store entries together. Storing one again changes nothing.

        If the machine of the database crashes right afterwards, they may be lost on SQLite (see
        `Database.perform`), but then what was done later is lost too.
        """
        ...

    async def entries(self, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
        """Return entries, the newest first."""
        ...

    async def remove_before(self, at: float, *, limit: int) -> int:
        """Remove up to `limit` entries from before `at`, the oldest first; return how many."""
        ...


class SigningSecrets(Protocol):
    """Holds the secrets with which links to results are signed."""

    async def newest(self, *, now: float) -> list[bytes]:
        """Return the secret that signs, then the one before it. Creates the first one."""
        ...

    async def rotate(self, entry: AuditEntry) -> None:
        """Create a secret. Links that the one before the last has signed are not valid any more."""
        ...


class WebhookSecrets(Protocol):
    """Holds the secret of each tenant with which its notifications are signed."""

    async def of_tenant(self, tenant: Tenant) -> WebhookSecret | None:
        """Return the secret of a tenant; None if it has none."""
        ...

    async def rotate(
        self, tenant: Tenant, secret: str, entry: AuditEntry, *, previous_until: float
    ) -> WebhookSecret:
        """Give a tenant a secret, and return it. The one before signs too until `previous_until`.

        The one before that does not sign any more.
        """
        ...


class QuotaStore(Protocol):
    """Holds what tenants may use, and reserves it for uploads in progress.

    What is used is counted from jobs and reservations, so no count is wrong after a crash. The
    reservation of an upload counts until the upload has a job.
    """

    async def limits_of(self, tenant: Tenant) -> Limits:
        """Return the limits of a tenant that differ from those of all."""
        ...

    async def settings(self) -> list[TenantSettings]:
        """Return what is set for single tenants, by name."""
        ...

    async def change(
        self, tenant: Tenant, changes: Mapping[str, float | None], entry: AuditEntry
    ) -> TenantSettings:
        """Change settings of a tenant by name, and return all; None resets one."""
        ...

    async def usage_of(self, tenant: Tenant, *, most_waiting: int) -> Usage:
        """Return what a tenant uses; no more than `most_waiting` waiting jobs are counted.

        Reads an index entry for each job whose bytes are kept.
        """
        ...

    async def reserve(
        self, upload_id: UUID, tenant: Tenant, size: int, limits: Limits, *, stored: int, now: float
    ) -> Refusal | None:
        """Reserve `size` bytes for an upload, unless `max_uploads` or `max_bytes` forbids it.

        `stored` are the bytes of the tenant's jobs. Repeatable: the larger size counts.
        """
        ...

    async def release(self, upload_id: UUID) -> None:
        """Remove the reservation of an upload, if there is one."""
        ...

    def reserved_before(self, time: float) -> AsyncIterator[tuple[UUID, Tenant]]:
        """Iterate over the uploads whose reservations were made before a time."""
        ...


class Access(Protocol):
    """What a database holds of access.

    Every method of its parts raises DatabaseUnavailable when the database does not answer in time.
    """

    @property
    def keys(self) -> KeyStore:
        """The API keys."""
        ...

    @property
    def audit(self) -> AuditTrail:
        """The audit trail."""
        ...

    @property
    def signing(self) -> SigningSecrets:
        """The secrets of links."""
        ...

    @property
    def quotas(self) -> QuotaStore:
        """What tenants may use."""
        ...

    @property
    def webhooks(self) -> WebhookSecrets:
        """The secrets with which notifications are signed."""
        ...
