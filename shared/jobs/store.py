"""The job store on SQL: every transition of a job is one compare-and-set in one transaction."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.notify_column import notify_value
from shared.access.store import SqlAccess
from shared.access.tenant import DEFAULT_TENANT
from shared.aggregation.json_codec import encode_aggregation
from shared.database import connect
from shared.database.connections import Connections
from shared.database.migrate import migrate_at_start
from shared.database.port import Statement, Tell
from shared.database.text import storable
from shared.errors import JobNotFound, LeaseLost
from shared.jobs.asks import SqlJobAsks
from shared.jobs.deliveries import SqlDeliveries, delivery_due
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.fetches import fetched_again
from shared.jobs.head_starts import SqlHeadStarts
from shared.jobs.job import AttemptOutcome, JobState
from shared.jobs.notifications import SqlNotifications, announce
from shared.jobs.places import SqlPlaces
from shared.jobs.rows import (
    job_of,
    progress_values,
    rejects_values,
    report_values,
    result_values,
)
from shared.jobs.saved_specs import SqlSavedSpecs
from shared.jobs.wake_up import is_small

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractContextManager

    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.database.port import Database, Row, Steps, Value
    from shared.jobs.claims import AttemptLost
    from shared.jobs.job import (
        Aggregation,
        Job,
        JobProgress,
        JobResult,
    )
    from shared.jobs.report import Report

CANCELLED = "cancelled"
"""The recorded reason of a cancelled job and its attempt."""
REASON_LIMIT = 4000
"""The most characters of a reason."""


@asynccontextmanager
async def open_job_store(
    url: str,
    *,
    attempt_lost: AttemptLost | None = None,
    connections: Connections = Connections(),  # noqa: B008 - it is frozen
) -> AsyncIterator[SqlJobStore]:
    """Open the job store in the database at `url` (see `shared.database.connect`); migrate it.

    `attempt_lost` is called with the job and the number of each attempt that a claim records as
    lost. Waits without limit for a server that is unavailable. Raises the errors of `migrate`, and
    DatabaseUnavailable if the server refuses this user, or the file cannot be opened.
    """
    database = await connect(url, start_timeout=None, connections=connections)
    try:
        await migrate_at_start(database)
        yield SqlJobStore(database, attempt_lost)
    finally:
        await database.close()


class SqlJobStore(SqlJobAsks):
    """`JobStore` (see `shared.ports`) on a migrated database.

    A lease that has run out ends an attempt only when another claims the job. Until then the late
    worker may still renew it, or finish.
    """

    def __init__(self, database: Database, attempt_lost: AttemptLost | None = None) -> None:
        super().__init__(database, attempt_lost)
        self._head_starts = SqlHeadStarts(database)
        self._access = SqlAccess(database)
        self._notifications = SqlNotifications(database)
        self._deliveries = SqlDeliveries(database)
        self._specs = SqlSavedSpecs(database)
        self._places = SqlPlaces(database)

    @property
    def head_starts(self) -> SqlHeadStarts:
        """See `JobStore`."""
        return self._head_starts

    @property
    def access(self) -> SqlAccess:
        """See `JobStore`."""
        return self._access

    @property
    def deliveries(self) -> SqlDeliveries:
        """See `JobStore`."""
        return self._deliveries

    @property
    def places(self) -> SqlPlaces:
        """Which storage server receives a blob, where there are several."""
        return self._places

    @property
    def notifications(self) -> SqlNotifications:
        """See `JobStore`."""
        return self._notifications

    @property
    def specs(self) -> SqlSavedSpecs:
        """See `JobStore`."""
        return self._specs

    async def create(
        self,
        *,
        upload_id: UUID,
        input_key: BlobKey,
        input_size: int,
        filename: str,
        aggregation: Aggregation,
        max_attempts: int,
        now: float,
        tenant: Tenant = DEFAULT_TENANT,
        input_version: str | None = None,
        input_sha256: str | None = None,
        notify: Sequence[str] = (),
        spec_name: str | None = None,
        engine: EngineChoice = EngineChoice.AUTO,
    ) -> Job:
        """See `JobStore`. Raises ValueError unless `max_attempts` is at least 1."""
        if max_attempts < 1:
            raise ValueError(f"max_attempts is {max_attempts}; a job has at least one")
        # The id is the same in both tries of the statement, so the second inserts nothing new.
        rows = await self._insert(
            str(uuid4()),
            str(upload_id),
            input_key,
            input_size,
            storable(filename),
            encode_aggregation(aggregation),
            max_attempts,
            now,
            tenant,
            int(is_small(input_size, engine)),
            input_version,
            input_sha256,
            notify_value(notify),
            spec_name,
            engine,
        ) or await self._database.read(self._sql.job_by_upload, str(upload_id), None)
        return job_of(rows[0])

    async def _insert(self, *values: Value) -> Sequence[Row]:
        """Insert a job, and record who creates it. Returns no row if its upload has one."""
        who = acting()
        if who is None:
            return await self._database.write(self._sql.insert_job, *values, idempotent=True)

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.insert_job, values)
            for row in rows:
                detail = f"upload {row['upload_id']}, {row['input_size']} bytes"
                yield audit_statement(
                    who.entry(Action.JOB_CREATED, row["id"], row["created_at"], detail)
                )
            return rows

        return await self._database.perform(steps())

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """See `JobStore`."""
        # If the stamp is lost, the relay publishes another wake-up.
        if not await self._database.write(
            self._sql.mark_published, str(job_id), now, idempotent=True, durable=False
        ):
            raise JobNotFound(f"no job {job_id}")

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """See `JobStore`."""
        if not await self._database.write(
            self._sql.heartbeat, str(job_id), attempt, lease_until, idempotent=True, durable=False
        ):
            raise _lease_lost(job_id, attempt)

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        """See `JobStore`."""
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
        """See `JobStore`."""

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
            raise _lease_lost(job_id, attempt)

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
        """See `JobStore`."""
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
                raise _lease_lost(job_id, attempt)
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
        """See `JobStore`."""
        reason = storable(reason, REASON_LIMIT)

        def steps() -> Steps[None]:
            released = yield Statement(
                self._sql.release, (str(job_id), attempt, reason, retry_at, int(outgrown))
            )
            if not released:
                raise _lease_lost(job_id, attempt)
            yield from self._end_attempt(job_id, now, AttemptOutcome.RELEASED, reason)

        await self._database.perform(steps())

    async def cancel(self, job_id: UUID, *, now: float, tenant: Tenant | None = None) -> Job:
        """See `JobStore`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.cancel, (str(job_id), now, CANCELLED, tenant))
            if not rows:
                return (yield Statement(self._sql.job_by_id, (str(job_id), tenant)))
            yield from self._end_attempt(job_id, now, AttemptOutcome.REVOKED, CANCELLED)
            yield from announce(rows[0], JobState.REVOKED, now)
            if who is not None:
                yield audit_statement(who.entry(Action.JOB_CANCELLED, job_id, now))
            yield Tell(str(job_id))
            return rows

        rows = await self._database.perform(steps())
        if not rows:
            raise JobNotFound(f"no job {job_id}")
        return job_of(rows[0])

    async def retry(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """See `JobStore`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            for row in (yield Statement(self._sql.job_by_id, (str(job_id), tenant))):
                yield from self._datasets.check_kept(job_of(row).inputs)
            rows = yield Statement(self._sql.retry, (str(job_id), tenant))
            if rows and (held := (yield from fetched_again(job_id, time.time()))):
                rows = [held]
            if rows and who is not None:
                yield audit_statement(who.entry(Action.JOB_RETRIED, job_id, time.time()))
            return rows

        rows = await self._database.perform(steps())
        if rows:
            return job_of(rows[0])
        await self.get(job_id, tenant=tenant)
        return None

    async def take_dead_letter(self, *, now: float, due_for: float) -> Job | None:
        """See `JobStore`."""
        rows = await self._database.write(self._sql.take_dead_letter, now, now - due_for)
        return job_of(rows[0]) if rows else None

    async def mark_dead_lettered(self, job_id: UUID, attempt: int, *, now: float) -> None:
        """See `JobStore`."""
        await self._database.write(
            self._sql.mark_dead_lettered, str(job_id), attempt, now, idempotent=True
        )

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """See `JobStore`."""
        return len(await self._database.write(self._sql.expire, finished_before, now, limit))

    async def expire_failed(self, job_id: UUID, *, now: float) -> Job:
        """See `JobStore`."""
        rows = await self._database.write(
            self._sql.expire_failed, str(job_id), now, idempotent=True
        )
        return job_of(rows[0]) if rows else await self.get(job_id)

    async def expire_ended(self, job_id: UUID, *, now: float) -> Job:
        """See `JobStore`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.expire_ended, (str(job_id), now))
            if rows and who is not None:
                yield audit_statement(who.entry(Action.JOB_DELETED, job_id, now))
            return rows

        rows = await self._database.perform(steps())
        return job_of(rows[0]) if rows else await self.get(job_id)

    async def delete_result(self, job_id: UUID, *, now: float) -> Job:
        """See `JobStore`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.delete_result, (str(job_id), now))
            if rows and who is not None:
                yield audit_statement(who.entry(Action.RESULT_DELETED, job_id, now))
            return rows

        rows = await self._database.perform(steps())
        return job_of(rows[0]) if rows else await self.get(job_id)

    def on_end(self, ended: Callable[[UUID], None]) -> AbstractContextManager[None]:
        """See `JobStore`."""

        def heard(text: str) -> None:
            # Another version may tell something else.
            with suppress(ValueError):
                ended(UUID(text))

        return self._database.listen(heard)

    async def ping(self) -> None:
        """See `JobStore`."""
        await self._database.ping()

    async def check_writable(self) -> None:
        """See `JobStore`."""
        await self._database.check_writable()


def _lease_lost(job_id: UUID, attempt: int) -> LeaseLost:
    return LeaseLost(f"job {job_id} is no longer attempt {attempt}'s")
