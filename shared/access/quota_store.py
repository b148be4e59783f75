"""What tenants may use and use, in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.access.audit_store import audit_statement
from shared.access.limits import Limits, Refusal, TenantSettings, Usage
from shared.access.tenant import Tenant
from shared.database.port import Statement
from shared.database.scripts import load_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from shared.access.audit import AuditEntry
    from shared.database.port import Database, Row, Steps

BATCH = 500
"""Reservations per query."""
NO_UPLOAD = ""


@dataclass(frozen=True, slots=True)
class QuotaQueries:
    """The statements of `quotas.sql`. A missing or unknown one fails at the start."""

    limits_of: str
    all_settings: str
    set_settings: str
    usage_of: str
    lock_tenant: str
    forget_jobs: str
    reserved_of: str
    reserve: str
    release: str
    oldest: str


class SqlQuotas:
    """`QuotaStore` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = QuotaQueries(**load_queries("quotas.sql"))

    async def limits_of(self, tenant: Tenant) -> Limits:
        """See `QuotaStore`."""
        rows = await self._database.read(self._sql.limits_of, tenant)
        if not rows:
            return Limits()
        return Limits(**{field.name: rows[0][field.name] for field in fields(Limits)})

    async def settings(self) -> list[TenantSettings]:
        """See `QuotaStore`."""
        return [_settings_of(row) for row in await self._database.read(self._sql.all_settings)]

    async def change(
        self, tenant: Tenant, changes: Mapping[str, Any], entry: AuditEntry
    ) -> TenantSettings:
        """See `QuotaStore`."""

        def steps() -> Steps[TenantSettings]:
            yield Statement(self._sql.lock_tenant, (tenant,))
            (row,) = yield Statement(self._sql.limits_of, (tenant,))
            changed = replace(_settings_of(row), **changes)
            yield Statement(self._sql.set_settings, (tenant, *changed.values().values()))
            yield audit_statement(entry)
            return changed

        return await self._database.perform(steps())

    async def usage_of(self, tenant: Tenant, *, most_waiting: int) -> Usage:
        """See `QuotaStore`."""
        (row,) = await self._database.read(self._sql.usage_of, tenant, most_waiting)
        (reserved,) = await self._database.read(self._sql.reserved_of, tenant, NO_UPLOAD)
        return Usage(
            stored=int(row["stored"]),
            reserved=int(reserved["bytes"]),
            uploads=reserved["uploads"],
            waiting=row["waiting"],
        )

    async def reserve(
        self, upload_id: UUID, tenant: Tenant, size: int, limits: Limits, *, stored: int, now: float
    ) -> Refusal | None:
        """See `QuotaStore`."""

        def steps() -> Steps[Refusal | None]:
            yield Statement(self._sql.lock_tenant, (tenant,))
            yield Statement(self._sql.forget_jobs, (tenant,))
            (row,) = yield Statement(self._sql.reserved_of, (tenant, str(upload_id)))
            uploads, taken = row["uploads"], int(row["bytes"]) + stored
            if limits.max_uploads is not None and uploads >= limits.max_uploads:
                return Refusal("max_uploads", uploads)
            if limits.max_bytes is not None and taken + size > limits.max_bytes:
                return Refusal("max_bytes", taken)
            yield Statement(self._sql.reserve, (str(upload_id), tenant, size, now))
            return None

        # What is lost in a crash of the machine is found by what reconciles reservations.
        return await self._database.perform(steps(), durable=False)

    async def release(self, upload_id: UUID) -> None:
        """See `QuotaStore`."""
        await self._database.write(
            self._sql.release, str(upload_id), idempotent=True, durable=False
        )

    async def reserved_before(self, time: float) -> AsyncIterator[tuple[UUID, Tenant]]:
        """See `QuotaStore`."""
        position: tuple[float, str] = (0.0, NO_UPLOAD)
        while rows := await self._database.read(self._sql.oldest, time, *position, BATCH):
            for row in rows:
                yield UUID(row["upload_id"]), Tenant(row["tenant"])
            position = rows[-1]["reserved_at"], rows[-1]["upload_id"]


def _settings_of(row: Row) -> TenantSettings:
    return TenantSettings(**{field.name: row[field.name] for field in fields(TenantSettings)})
