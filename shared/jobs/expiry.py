"""Expiring jobs, and deleting results, on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.database.port import Statement
from shared.jobs.reader import SqlJobReader
from shared.jobs.rows import job_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.database.port import Row, Steps
    from shared.jobs.job import Job


class SqlJobExpiry(SqlJobReader):
    """`JobExpiry` (see `shared.ports`) on a migrated database."""

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """See `JobExpiry`."""
        return len(await self._database.write(self._sql.expire, finished_before, now, limit))

    async def expire_failed(self, job_id: UUID, *, now: float) -> Job:
        """See `JobExpiry`."""
        rows = await self._database.write(
            self._sql.expire_failed, str(job_id), now, idempotent=True
        )
        return job_of(rows[0]) if rows else await self.get(job_id)

    async def expire_ended(self, job_id: UUID, *, now: float) -> Job:
        """See `JobExpiry`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.expire_ended, (str(job_id), now))
            if rows and who is not None:
                yield audit_statement(who.entry(Action.JOB_DELETED, job_id, now))
            return rows

        rows = await self._database.perform(steps())
        return job_of(rows[0]) if rows else await self.get(job_id)

    async def delete_result(self, job_id: UUID, *, now: float) -> Job:
        """See `JobExpiry`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.delete_result, (str(job_id), now))
            if rows and who is not None:
                yield audit_statement(who.entry(Action.RESULT_DELETED, job_id, now))
            return rows

        rows = await self._database.perform(steps())
        return job_of(rows[0]) if rows else await self.get(job_id)
