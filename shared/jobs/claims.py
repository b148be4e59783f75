"""Claiming jobs on SQL: by name, or in turn."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.database.port import Statement, Tell
from shared.database.text import storable
from shared.errors import DatabaseUnavailable, JobNotFound
from shared.jobs.head_starts import HEAD_START_PRIORITY
from shared.jobs.job import AttemptOutcome, JobState
from shared.jobs.notifications import announce
from shared.jobs.rows import job_of
from shared.jobs.sql_jobs import SqlJobs
from shared.jobs.turns import TRIES, Claimed, TenantIsFull

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.database.port import Steps
    from shared.jobs.job import Job
    from shared.jobs.wake_up import WakeUp

log = logging.getLogger(__name__)

LOST = "lost: its worker stopped renewing the lease (killed, or cut off)"
"""The recorded reason of a lost attempt."""
_LAST_LOST = f"the last permitted attempt was {LOST}"


class SqlJobClaims(SqlJobs):
    """`JobClaims` (see `shared.ports`) on a migrated database."""

    async def claimed(self, *, worker: str, lease_until: float) -> Job | None:
        """See `JobClaims`."""
        return await self._turns.claimed(worker=worker, lease_until=lease_until)

    async def has_next(
        self, wakeup: WakeUp, *, worker: str, now: float, max_running: int | None = None
    ) -> bool:
        """See `JobClaims`."""
        return await self._turns.has_next(wakeup, worker=worker, now=now, max_running=max_running)

    async def is_full(self, tenant: Tenant, *, max_running: int | None) -> bool:
        """See `JobClaims`."""
        return await self._turns.is_full(tenant, max_running=max_running)

    async def first_waiting(
        self, tenant: Tenant, *, max_running: int | None, now: float
    ) -> Sequence[WakeUp]:
        """See `JobClaims`."""
        return await self._turns.first_waiting(tenant, max_running=max_running, now=now)

    async def claim(
        self, job_id: UUID, *, worker: str, lease_until: float, now: float, durable: bool = True
    ) -> Job | None:
        """See `JobClaims`."""
        job, lost = await self._database.perform(
            self._claim(job_id, worker, lease_until, now), durable=durable
        )
        self._report_lost(job_id, lost)
        return job

    async def claim_next(
        self,
        wakeup: WakeUp,
        *,
        worker: str,
        lease_until: float,
        now: float,
        max_running: int | None = None,
        last_slot: bool = False,
        durable: bool = True,
    ) -> Claimed | None:
        """See `JobClaims`."""

        def steps(*, by_name: bool) -> Steps[tuple[Claimed | None, list[int]]]:
            claimed = yield from self._turns.claim(
                wakeup,
                worker=worker,
                lease_until=lease_until,
                now=now,
                max_running=max_running,
                last_slot=last_slot,
            )
            if claimed is not None:
                return claimed, (yield from self._begin_attempt(claimed.job, now))
            # A job whose size counts differently now is claimed by its own wake-up.
            job, lost = yield from self._claim(
                wakeup.job_id, worker, lease_until, now, allowed=by_name
            )
            if job is None:
                return None, lost
            limit = yield from self._turns.limit(job.tenant, max_running, check=not lost)
            return Claimed(job, limited=limit is not None), lost

        claimed, lost = None, list[int]()
        for number in range(TRIES):
            with suppress(TenantIsFull):
                claimed, lost = await self._database.perform(
                    steps(by_name=number == 0 and not last_slot), durable=durable
                )
                break
        job_id = wakeup.job_id if claimed is None else claimed.job.id
        self._report_lost(job_id, lost)
        if claimed is not None and job_id != wakeup.job_id:
            await self._pass_on(wakeup.job_id, claimed.job.published_at or now, now)
        return claimed

    async def _pass_on(self, job_id: UUID, published_at: float, now: float) -> None:
        """Note that the wake-up of a job was spent on another, whose wake-up it has now.

        If the job was lost with its worker, it is recorded as failed if it may not be tried again,
        or else the relay publishes a wake-up: that of the other job comes for one that may have
        ended, and a job that is lost is claimed by its own alone.
        """
        try:
            if not await self._turns.pass_on(job_id, published_at):
                _, lost = await self._database.perform(self._left(job_id, now))
                self._report_lost(job_id, lost)
        except DatabaseUnavailable as error:
            # The relay finds the job.
            log.warning("job=%s: its wake-up is not recorded: %s", job_id, error)
        except JobNotFound:
            log.warning("wake-up for a job that does not exist: job=%s", job_id)

    def _left(self, job_id: UUID, now: float) -> Steps[tuple[None, list[int]]]:
        """See `_pass_on`."""
        refused = yield from self._refused(job_id, now)
        yield from self._turns.forget_wake_up(job_id, now)
        return refused

    def _claim(
        self, job_id: UUID, worker: str, lease_until: float, now: float, *, allowed: bool = True
    ) -> Steps[tuple[Job | None, list[int]]]:
        """Claim this job if that is `allowed`; else only record that its last attempt is lost."""
        if allowed and (
            claimed := (
                yield Statement(
                    self._sql.claim,
                    (str(job_id), storable(worker), lease_until, now, now - HEAD_START_PRIORITY),
                )
            )
        ):
            job = job_of(claimed[0])
            return job, (yield from self._begin_attempt(job, now))
        return (yield from self._refused(job_id, now))

    def _begin_attempt(self, job: Job, now: float) -> Steps[list[int]]:
        """Insert the attempt of a job that was just claimed; end the one that is lost."""
        lost: list[int] = []
        if job.attempt > 1:
            lost = yield from self._end_attempt(job.id, now, AttemptOutcome.LOST, LOST)
        yield Statement(self._sql.insert_attempt, (str(job.id), job.attempt, job.worker, now))
        return lost

    def _refused(self, job_id: UUID, now: float) -> Steps[tuple[None, list[int]]]:
        """Fail a job that cannot be claimed because its last permitted attempt is lost."""
        lost: list[int] = []
        if failed := (yield Statement(self._sql.fail_lost, (str(job_id), now, _LAST_LOST))):
            lost = yield from self._end_attempt(job_id, now, AttemptOutcome.LOST, LOST)
            yield from announce(failed[0], JobState.FAILURE, now)
            yield Tell(str(job_id))
        elif not (yield Statement(self._sql.job_by_id, (str(job_id), None))):
            raise JobNotFound(f"no job {job_id}")
        return None, lost

    def _report_lost(self, job_id: UUID, numbers: Sequence[int]) -> None:
        for number in numbers:
            log.warning("job=%s attempt=%d was %s", job_id, number, LOST)
            if self._attempt_lost:
                self._attempt_lost(job_id, number)
