"""The wake-ups and dead letters that the broker is to receive, on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.errors import JobNotFound
from shared.jobs.rows import job_of
from shared.jobs.sql_jobs import SqlJobs
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.jobs.job import Job


class SqlJobMessages(SqlJobs):
    """`JobMessages` (see `shared.ports`) on a migrated database."""

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """See `JobMessages`."""
        # If the stamp is lost, the relay publishes another wake-up.
        if not await self._database.write(
            self._sql.mark_published, str(job_id), now, idempotent=True, durable=False
        ):
            raise JobNotFound(f"no job {job_id}")

    async def overdue(
        self, *, now: float, unpublished_for: float, lost_before: float, limit: int
    ) -> Sequence[WakeUp]:
        """See `JobMessages`."""
        rows = await self._database.read(
            self._sql.overdue, now, now - unpublished_for, lost_before, limit
        )
        return [WakeUp(UUID(row["id"]), small=bool(row["small"])) for row in rows]

    async def take_dead_letter(self, *, now: float, due_for: float) -> Job | None:
        """See `JobMessages`."""
        rows = await self._database.write(self._sql.take_dead_letter, now, now - due_for)
        return job_of(rows[0]) if rows else None

    async def mark_dead_lettered(self, job_id: UUID, attempt: int, *, now: float) -> None:
        """See `JobMessages`."""
        await self._database.write(
            self._sql.mark_dead_lettered, str(job_id), attempt, now, idempotent=True
        )
