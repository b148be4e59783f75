"""Reading jobs and their attempts from SQL."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from shared.database.text import search_key, storable
from shared.errors import JobNotFound
from shared.jobs.job import Found, JobPosition, Unfinished
from shared.jobs.rows import attempt_of, job_of
from shared.jobs.sql_jobs import SqlJobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.access.tenant import Tenant
    from shared.database.port import Row, Value
    from shared.jobs.job import Attempt, Job, JobFilter


class SqlJobReader(SqlJobs):
    """`JobReader` (see `shared.ports`) on a migrated database."""

    async def get(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job:
        """See `JobReader`."""
        rows = await self._database.read(self._sql.job_by_id, str(job_id), tenant)
        if not rows:
            raise JobNotFound(f"no job {job_id}")
        return job_of(rows[0])

    async def of_upload(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """See `JobReader`."""
        rows = await self._database.read(self._sql.job_by_upload, str(upload_id), tenant)
        return job_of(rows[0]) if rows else None

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """See `JobReader`."""
        if len(job_ids) == 1:  # as when a job has ended for which one client waits
            rows = await self._database.read(self._sql.job_by_id, str(job_ids[0]), None)
        else:
            rows = await self._read_many(self._sql.jobs_by_ids, job_ids)
        return {job.id: job for job in map(job_of, rows)}

    async def newest(
        self, wanted: JobFilter, *, after: JobPosition | None = None, limit: int
    ) -> Sequence[Job]:
        """See `JobReader`."""
        values = _newest_values(wanted, after, limit)
        if wanted.filename is None:
            rows = await self._database.read(self._sql.newest, *values)
        else:
            rows = await self._database.read(
                self._sql.newest_of_name, *values, storable(wanted.filename)
            )
        return [job_of(row) for row in rows]

    async def search(
        self,
        part: str,
        wanted: JobFilter,
        *,
        after: JobPosition | None = None,
        limit: int,
        examine: int,
    ) -> Found:
        """See `JobReader`."""
        values = _newest_values(wanted, after, examine + 1)
        rows = await self._database.read(self._sql.newest_names, *values)
        examined, key = rows[:examine], search_key(part)
        matching = [row for row in examined if key in search_key(row["filename"])]
        jobs = await self.get_many([UUID(row["id"]) for row in matching[:limit]])
        if len(matching) > limit:
            last = matching[limit - 1]
        elif len(rows) > examine:
            last = examined[-1]
        else:
            return Found(tuple(jobs[UUID(row["id"])] for row in matching), None)
        return Found(
            tuple(jobs[UUID(row["id"])] for row in matching[:limit]),
            JobPosition(last["created_at"], UUID(last["id"])),
        )

    async def of_uploads(self, upload_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """See `JobReader`."""
        rows = await self._read_many(self._sql.jobs_by_uploads, upload_ids)
        return {UUID(row["upload_id"]): job_of(row) for row in rows}

    async def unfinished(self, *, limit: int) -> Unfinished:
        """See `JobReader`."""
        (row,) = await self._database.read(self._sql.unfinished, limit)
        return Unfinished(
            pending=row["pending"] or 0,
            retry=row["retry"] or 0,
            started=row["started"] or 0,
            oldest_waiting=row["oldest_waiting"],
        )

    async def attempts(self, job_id: UUID) -> Sequence[Attempt]:
        """See `JobReader`."""
        rows = await self._database.read(self._sql.attempts_of, str(job_id))
        return [attempt_of(row) for row in rows]

    async def attempts_of_many(
        self, job_ids: Sequence[UUID], *, first: int, last: int
    ) -> Mapping[UUID, Sequence[Attempt]]:
        """See `JobReader`."""
        found: defaultdict[UUID, list[Attempt]] = defaultdict(list)
        for row in await self._read_many(self._sql.attempts_of_many, job_ids, first, last):
            attempt = attempt_of(row)
            found[attempt.job_id].append(attempt)
        return dict(found)

    async def answered(self, tenant: Tenant, answer_key: str) -> Job | None:
        """See `JobReader`."""
        rows = await self._database.read(self._sql.answered, tenant, answer_key)
        return job_of(rows[0]) if rows else None

    async def _read_many(self, query: str, ids: Sequence[UUID], *values: Value) -> Sequence[Row]:
        # SQLite has no array parameters. UUIDs as text have one length and need no separator.
        return await self._database.read(query, "".join(map(str, ids)), *values) if ids else ()


def _newest_values(wanted: JobFilter, after: JobPosition | None, limit: int) -> tuple[Value, ...]:
    """Return the values of the statements of lists, but for a name."""
    before = math.inf if wanted.created_before is None else wanted.created_before
    # No id is less than the empty text: so this selects all jobs created before.
    position = (before, "")
    if after is not None:
        position = min(position, (after.created_at, str(after.id)))
    return (
        *position,
        " ".join(wanted.states),
        -math.inf if wanted.created_from is None else wanted.created_from,
        limit,
        wanted.tenant,
    )
