"""Renewing and ending the attempts of jobs on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.database.port import Statement, Tell
from shared.database.text import storable
from shared.jobs.deliveries import delivery_due
from shared.jobs.job import AttemptOutcome, JobState
from shared.jobs.notifications import announce
from shared.jobs.rows import (
    job_of,
    progress_values,
    rejects_values,
    report_values,
    result_values,
)
from shared.jobs.sql_jobs import SqlJobs, lease_lost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.database.port import Row, Steps
    from shared.jobs.job import Job, JobProgress, JobResult
    from shared.jobs.report import Report

REASON_LIMIT = 4000
"""The most characters of a reason."""


class SqlJobAttempts(SqlJobs):
    """`JobAttempts` (see `shared.ports`) on a migrated database.

    A lease that has run out ends an attempt only when another claims the job. Until then the late
    worker may still renew it, or finish.
    """

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """See `JobAttempts`."""
        if not await self._database.write(
            self._sql.heartbeat, str(job_id), attempt, lease_until, idempotent=True, durable=False
        ):
            raise lease_lost(job_id, attempt)

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        """See `JobAttempts`."""
        return bool(
            await self._database.write(
                self._sql.record_progress,
                str(job_id),
                attempt,
                *progress_values(progress),
                idempotent=True,
            )
        )

    async def succeed(
        self,
        job_id: UUID,
        attempt: int,
        result: JobResult,
        *,
        now: float,
        report: Report | None = None,
        answer_key: str | None = None,
        cached_from: UUID | None = None,
    ) -> None:
        """See `JobAttempts`."""

        def steps() -> Steps[Sequence[Row] | None]:
            done = yield Statement(
                self._sql.succeed,
                (
                    str(job_id),
                    attempt,
                    now,
                    *result_values(result),
                    *report_values(report),
                    *rejects_values(result.rejects),
                    answer_key,
                    None if cached_from is None else str(cached_from),
                ),
            )
            if not done:
                return (yield Statement(self._sql.job_by_id, (str(job_id), None)))
            yield from self._end_attempt(job_id, now, AttemptOutcome.SUCCESS, None)
            if done[0]["output_to"] is None:
                yield from announce(done[0], JobState.SUCCESS, now)
            else:
                yield from delivery_due(done[0], now)
            yield Tell(str(job_id))
            return None

        rows = await self._database.perform(steps())
        if rows is None:
            return
        # A repeated call after a commit whose answer got lost finds its own result here.
        if not rows or (job_of(rows[0]).attempt, job_of(rows[0]).result) != (attempt, result):
            raise lease_lost(job_id, attempt)

    async def fail(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        final: bool,
        now: float,
        retry_at: float | None = None,
        report: Report | None = None,
    ) -> Job:
        """See `JobAttempts`."""
        reason = storable(reason, REASON_LIMIT)

        def steps() -> Steps[Job]:
            rows = yield Statement(
                self._sql.fail,
                (
                    str(job_id),
                    attempt,
                    reason,
                    now,
                    int(final),
                    retry_at,
                    *report_values(report),
                ),
            )
            if not rows:
                raise lease_lost(job_id, attempt)
            yield from self._end_attempt(job_id, now, AttemptOutcome.FAILURE, reason)
            job = job_of(rows[0])
            if job.state.terminal:
                yield from announce(rows[0], job.state, now)
                yield Tell(str(job_id))
            return job

        return await self._database.perform(steps())

    async def release(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        now: float,
        retry_at: float | None = None,
        outgrown: bool = False,
    ) -> None:
        """See `JobAttempts`."""
        reason = storable(reason, REASON_LIMIT)

        def steps() -> Steps[None]:
            released = yield Statement(
                self._sql.release, (str(job_id), attempt, reason, retry_at, int(outgrown))
            )
            if not released:
                raise lease_lost(job_id, attempt)
            yield from self._end_attempt(job_id, now, AttemptOutcome.RELEASED, reason)

        await self._database.perform(steps())
