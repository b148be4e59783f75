"""The table of head starts. Its statements are compare-and-sets with a fencing token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.jobs.head_start import NO_LIMIT, HeadStart, HeadStartProgress

if TYPE_CHECKING:
    from shared.database.port import Database, Row

HEAD_START_PRIORITY = 10.0
"""Seconds after the creation of a job in which only the processor that has a head start may claim
it. Bounded, so that a processor that hangs delays no job for longer."""
REASON_LIMIT = 1000
"""The most characters of a reason."""


@dataclass(frozen=True, slots=True)
class HeadStartQueries:
    """The statements of `head_starts.sql`. A missing or unknown one fails at the start."""

    offer: str
    take: str
    renew: str
    release: str
    withdraw: str
    end: str
    of_upload: str
    remove_old: str


class SqlHeadStarts:
    """`HeadStarts` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = HeadStartQueries(**load_queries("head_starts.sql"))

    async def offer(self, upload_id: UUID, *, tenant: Tenant = DEFAULT_TENANT, now: float) -> None:
        """See `HeadStarts`."""
        await self._database.write(self._sql.offer, str(upload_id), tenant, now, idempotent=True)

    async def take(
        self, *, worker: str, held_until: float, now: float, tenant_limit: int = NO_LIMIT
    ) -> HeadStart | None:
        """See `HeadStarts`."""
        rows = await self._database.write(
            self._sql.take, storable(worker), held_until, now, tenant_limit
        )
        return _head_start_of(rows[0]) if rows else None

    async def renew(
        self,
        upload_id: UUID,
        token: int,
        *,
        held_until: float,
        progress: HeadStartProgress,
    ) -> bool:
        """See `HeadStarts`."""
        problem = progress.first_problem
        rows = await self._database.write(
            self._sql.renew,
            str(upload_id),
            token,
            held_until,
            progress.bytes_done,
            progress.rows_done,
            int(progress.rows_estimated),
            progress.rows_rejected,
            None if problem is None else storable(problem, REASON_LIMIT),
            idempotent=True,
        )
        return bool(rows)

    async def release(self, upload_id: UUID, token: int) -> None:
        """See `HeadStarts`."""
        await self._database.write(self._sql.release, str(upload_id), token, idempotent=True)

    async def withdraw(self, upload_id: UUID, token: int) -> None:
        """See `HeadStarts`."""
        await self._database.write(self._sql.withdraw, str(upload_id), token, idempotent=True)

    async def end(self, upload_id: UUID, token: int, reason: str, *, now: float) -> None:
        """See `HeadStarts`."""
        reason = storable(reason, REASON_LIMIT)
        await self._database.write(
            self._sql.end, str(upload_id), token, now, reason, idempotent=True
        )

    async def of_upload(self, upload_id: UUID) -> HeadStart | None:
        """See `HeadStarts`."""
        rows = await self._database.read(self._sql.of_upload, str(upload_id))
        return _head_start_of(rows[0]) if rows else None

    async def remove_old(self, *, offered_before: float, now: float) -> None:
        """See `HeadStarts`."""
        await self._database.write(self._sql.remove_old, offered_before, now, idempotent=True)


def _head_start_of(row: Row) -> HeadStart:
    progress = None
    if row["bytes_done"] is not None:
        progress = HeadStartProgress(
            row["bytes_done"],
            row["rows_done"],
            bool(row["rows_estimated"]),
            row["rows_rejected"] or 0,
            row["first_problem"],
        )
    return HeadStart(
        UUID(row["upload_id"]),
        row["offered_at"],
        row["token"],
        row["worker"],
        row["held_until"],
        row["ended_at"],
        row["reason"],
        progress,
        Tenant(row["tenant"]),
    )
