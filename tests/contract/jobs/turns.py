"""What tests of turns do: jobs with wake-ups are created and claimed, tenants get their share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.tenant import Tenant
from shared.database import connect
from shared.jobs.wake_up import WakeUp
from tests.contract.job_stores import make_job, result_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from shared.jobs.turns import Claimed

A, B, C = Tenant("a"), Tenant("b"), Tenant("c")
NOW = 10_000.0
SMALL = 10
LARGE = 1 << 40


async def make_jobs(
    store: SqlJobStore, tenant: Tenant, number: int, *, size: int = SMALL, at: float = NOW
) -> list[Job]:
    """Jobs that were created one after the other, 2 seconds apart."""
    return [
        await make_published(store, tenant, size=size, at=at - 2 * (number - place))
        for place in range(number)
    ]


async def make_published(
    store: SqlJobStore, tenant: Tenant, *, size: int = LARGE, at: float = 0.0, max_attempts: int = 3
) -> Job:
    """A job that has a wake-up."""
    job = await make_job(store, tenant=tenant, input_size=size, now=at, max_attempts=max_attempts)
    await store.mark_published(job.id, at)
    return job


async def claim_next(
    store: SqlJobStore,
    job: Job,
    *,
    now: float = NOW,
    max_running: int | None = None,
    last_slot: bool = False,
) -> Claimed | None:
    return await store.claim_next(
        WakeUp.of(job),
        worker="worker-1",
        lease_until=now + 15.0,
        now=now,
        max_running=max_running,
        last_slot=last_slot,
    )


async def claimed(store: SqlJobStore, job: Job, now: float = NOW) -> Job:
    """The job that a wake-up is spent on."""
    claim = await claim_next(store, job, now=now)
    assert claim is not None
    return claim.job


async def served(store: SqlJobStore, queue: Sequence[Job], *, slots: int = 1) -> list[Job]:
    """The order in which jobs are claimed by their wake-ups, if `slots` run at a time."""
    order: list[Job] = []
    running: list[Job] = []
    for wakeup_job in queue:
        if len(running) == slots:
            await end(store, running.pop(0))
        job = await claimed(store, wakeup_job)
        order.append(job)
        running.append(job)
    for job in running:
        await end(store, job)
    return order


async def end(store: SqlJobStore, job: Job) -> None:
    await store.succeed(job.id, job.attempt, result_of(job.id, job.attempt), now=NOW)


async def set_tenant(
    url: str, tenant: Tenant, *, weight: int | None = None, max_running: int | None = None
) -> None:
    database = await connect(url)
    try:
        await database.write(
            "INSERT INTO tenants (tenant, weight, max_running) VALUES ($1, $2, $3)",
            tenant,
            weight,
            max_running,
        )
    finally:
        await database.close()
