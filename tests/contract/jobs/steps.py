"""What the tests of the job store do to a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.jobs.job import Job, JobState
from tests.contract.job_stores import result_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.jobs.store import SqlJobStore


async def claim(
    store: SqlJobStore, job: Job, *, now: float = 1.0, lease_until: float = 10.0
) -> Job | None:
    return await store.claim(job.id, worker="worker-1", lease_until=lease_until, now=now)


async def outcomes(store: SqlJobStore, job: Job) -> list[str | None]:
    return [attempt.outcome for attempt in await store.attempts(job.id)]


async def bring(store: SqlJobStore, job: Job, state: JobState, *, at: float = 2.0) -> Job:
    """Bring a new job into `state` at time `at`; return it."""
    if state is JobState.REVOKED:
        return await store.cancel(job.id, now=at)
    if state is not JobState.PENDING:
        await claim(store, job, now=at, lease_until=at + 8)
    if state is JobState.SUCCESS:
        await store.succeed(job.id, 1, result_of(job.id, 1), now=at)
    elif state in (JobState.RETRY, JobState.FAILURE):
        await store.fail(job.id, 1, "why", final=state is JobState.FAILURE, now=at)
    job = await store.get(job.id)
    assert job.state is state
    return job


async def overdue(store: SqlJobStore, now: float, limit: int = 9) -> Sequence[UUID]:
    wakeups = await store.overdue(
        now=now, unpublished_for=10.0, lost_before=now - 100.0, limit=limit
    )
    return [wakeup.job_id for wakeup in wakeups]
