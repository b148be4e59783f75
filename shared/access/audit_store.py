"""The audit trail in the database. It is append-only: no statement changes an entry."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.audit import Action, AuditEntry
from shared.access.queries import AccessQueries
from shared.access.tenant import Tenant
from shared.database.port import Statement
from shared.database.text import storable

if TYPE_CHECKING:
    from shared.access.audit import AuditFilter
    from shared.database.port import Database, Row, Steps

TEXT_LIMIT = 500
"""The most characters of an object or a detail."""


class SqlAuditTrail:
    """`AuditTrail` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = AccessQueries.load()

    async def record(self, *entries: AuditEntry) -> None:
        """See `AuditTrail`."""

        def steps() -> Steps[None]:
            for entry in entries:
                yield audit_statement(entry)

        await self._database.perform(steps(), durable=False)

    async def entries(self, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
        """See `AuditTrail`."""
        before = wanted.before or (math.inf, "")
        rows = await self._database.read(
            self._sql.audit_entries,
            wanted.tenant, wanted.action, wanted.object, wanted.key_id, wanted.since,
            *before, limit,
        )  # fmt: skip
        return [_entry_of(row) for row in rows]

    async def remove_before(self, at: float, *, limit: int) -> int:
        """See `AuditTrail`."""
        return len(await self._database.write(self._sql.remove_audit, at, limit))


def audit_statement(entry: AuditEntry) -> Statement:
    """Return the statement that stores an entry, for the transaction of what it records."""
    return Statement(
        AccessQueries.load().insert_audit,
        (
            str(entry.id),
            entry.at,
            entry.tenant,
            entry.key_id,
            storable(entry.address, TEXT_LIMIT),
            str(entry.action),
            storable(entry.object, TEXT_LIMIT),
            None if entry.detail is None else storable(entry.detail, TEXT_LIMIT),
        ),
    )


def _entry_of(row: Row) -> AuditEntry:
    action: Action | str = row["action"]
    with suppress(ValueError):  # that of a newer version stays a text
        action = Action(action)
    return AuditEntry(
        at=row["at"],
        tenant=Tenant(row["tenant"]),
        key_id=row["key_id"],
        address=row["address"],
        action=action,
        object=row["object"],
        detail=row["detail"],
        id=UUID(row["id"]),
    )
