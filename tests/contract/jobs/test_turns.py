"""Jobs are claimed in turn: each tenant has its share, whoever has sent more."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from shared.access.tenant import Tenant
from shared.database import connect
from shared.errors import JobNotFound
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.contract.job_stores import make_job, open_store, result_of

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


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_only_job_of_a_tenant_does_not_wait_behind_500_of_another(
    store: SqlJobStore, size: int
) -> None:
    many = await make_jobs(store, A, 500, size=size, at=NOW - 1)
    (one,) = await make_jobs(store, B, 1, size=size)
    order = await served(store, [*many[:4], one], slots=2)
    assert [job.tenant for job in order].index(B) <= 1


async def test_all_jobs_are_claimed_once_and_those_of_a_tenant_in_their_order(
    store: SqlJobStore,
) -> None:
    queue = [*await make_jobs(store, A, 12), *await make_jobs(store, B, 5)]
    order = await served(store, queue, slots=3)
    assert {job.id for job in order} == {job.id for job in queue}
    assert len(order) == len(queue)
    for tenant in (A, B):
        times = [job.created_at for job in order if job.tenant == tenant]
        assert times == sorted(times)


async def test_tenants_that_have_as_many_jobs_take_turns(store: SqlJobStore) -> None:
    queue = [job for tenant in (A, B, C) for job in await make_jobs(store, tenant, 4)]
    order = "".join(job.tenant for job in await served(store, queue))
    assert [Counter(order[start : start + 3]) for start in (0, 3, 6, 9)] == [Counter("abc")] * 4


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
async def test_a_weight_of_three_has_three_times_the_share(
    store: SqlJobStore, url: str, slots: int
) -> None:
    await set_tenant(url, B, weight=3)
    queue = [*await make_jobs(store, A, 40), *await make_jobs(store, B, 40)]
    order = await served(store, queue[:40], slots=slots)
    assert abs(Counter(job.tenant for job in order)[A] - 10) <= 1


async def test_a_tenant_that_was_away_has_no_turns_left_over(store: SqlJobStore) -> None:
    await served(store, await make_jobs(store, B, 20))
    newcomers = [*await make_jobs(store, A, 10), *await make_jobs(store, B, 10)]
    order = "".join(job.tenant for job in (await served(store, newcomers[:6])))
    # The first turn of A is as early as the latest of B, and no earlier
    assert order.count("b") >= 2


async def test_a_tenant_with_jobs_that_run_long_leaves_the_next_slot_to_another(
    store: SqlJobStore,
) -> None:
    long = await make_jobs(store, A, 5, size=LARGE)
    for job in long[:2]:
        await claimed(store, job)
    short = await make_jobs(store, B, 6, size=LARGE)
    # One slot is left, in which the jobs of B end one after the other
    order = await served(store, short)
    assert [job.tenant for job in order] == [B] * 6


async def test_the_last_slot_is_of_the_only_tenant_whatever_it_runs(store: SqlJobStore) -> None:
    running, waiting = await make_jobs(store, A, 2, size=LARGE)
    await claimed(store, running)
    taken = await claim_next(store, waiting, last_slot=True)
    assert taken is not None
    assert taken.job.id == waiting.id


async def test_the_last_slot_is_not_for_a_tenant_that_runs_a_job_if_there_is_another(
    store: SqlJobStore,
) -> None:
    running, waiting = await make_jobs(store, A, 2, size=LARGE)
    await claimed(store, running)
    (one,) = await make_jobs(store, B, 1, size=LARGE)
    taken = await claim_next(store, waiting, last_slot=True)
    assert taken is not None
    assert taken.job.id == one.id
    assert await claim_next(store, waiting, last_slot=True) is None
    assert (await store.get(waiting.id)).state is JobState.PENDING
    # A slot that is not the last
    assert (await claimed(store, waiting)).id == waiting.id


async def test_small_jobs_that_run_take_no_last_slot_of_the_others(store: SqlJobStore) -> None:
    await make_jobs(store, B, 1, size=SMALL)
    (small,) = await make_jobs(store, A, 1, size=SMALL)
    (large,) = await make_jobs(store, A, 1, size=LARGE)
    await store.claim(small.id, worker="worker-1", lease_until=NOW + 15, now=NOW)
    taken = await claim_next(store, large, last_slot=True)
    assert taken is not None
    assert taken.job.id == large.id


async def test_a_job_whose_last_attempt_is_lost_ends_although_only_the_last_slot_is_free(
    store: SqlJobStore,
) -> None:
    job = await make_published(store, A, max_attempts=1)
    await claimed(store, job)
    await make_jobs(store, B, 1, size=LARGE)
    first = await claim_next(store, job, now=NOW + 60, last_slot=True)
    assert first is not None
    assert first.job.tenant == B
    await claim_next(store, job, now=NOW + 60, last_slot=True)
    assert (await store.get(job.id)).state is JobState.FAILURE


async def test_a_lost_job_whose_wake_up_the_last_slot_spends_on_another_is_woken_again(
    store: SqlJobStore,
) -> None:
    lost = await make_published(store, A)
    await claimed(store, lost)
    (one,) = await make_jobs(store, B, 1, size=LARGE)
    await store.mark_published(lost.id, NOW + 50)  # by the relay
    taken = await claim_next(store, lost, now=NOW + 60, last_slot=True)
    assert taken is not None
    assert taken.job.id == one.id
    (due,) = await store.overdue(now=NOW + 60, unpublished_for=15.0, lost_before=0.0, limit=9)
    assert due.job_id == lost.id
    assert (await claimed(store, lost, NOW + 60)).id == lost.id


async def test_small_jobs_and_others_have_turns_of_their_own(store: SqlJobStore) -> None:
    await served(store, await make_jobs(store, A, 9, size=SMALL))
    queue = [
        *await make_jobs(store, B, 2, size=LARGE),
        *await make_jobs(store, A, 2, size=LARGE),
    ]
    assert {job.tenant for job in await served(store, queue[:2])} == {A, B}


async def test_the_job_of_the_wake_up_is_claimed_unless_an_older_one_waits_for_a_second(
    store: SqlJobStore,
) -> None:
    first, second = [await make_published(store, A, at=NOW + after) for after in (0.0, 0.9)]
    assert (await claimed(store, second)).id == second.id
    late = await make_published(store, A, at=NOW + 1.1)
    assert (await claimed(store, late)).id == first.id


async def test_the_wake_up_of_the_claimed_job_is_left_for_the_other(store: SqlJobStore) -> None:
    (passed,) = await make_jobs(store, A, 1, at=NOW - 500)
    await served(store, await make_jobs(store, A, 1, at=NOW - 900))
    (first,) = await make_jobs(store, B, 1)
    await store.mark_published(passed.id, NOW - 500)
    await store.mark_published(first.id, NOW)
    assert (await claimed(store, passed)).id == first.id
    # It does not count as lost, although that of the first was delivered long ago
    overdue = await store.overdue(now=NOW + 1, unpublished_for=15.0, lost_before=NOW - 300, limit=9)
    assert overdue == []
    assert (await claimed(store, first)).id == passed.id


async def test_a_job_without_a_wake_up_leaves_that_of_another_alone(store: SqlJobStore) -> None:
    # As after an outage of the broker
    for tenant in (A, B):
        await make_job(store, tenant=tenant, now=NOW - 60)
    later = await make_published(store, A, at=NOW)
    assert (await claimed(store, later)).id == later.id


async def test_a_job_that_is_delayed_does_not_hold_up_its_tenant(store: SqlJobStore) -> None:
    delayed, other = await make_jobs(store, A, 2)
    job = await claimed(store, delayed)
    await store.fail(job.id, 1, "why", final=False, now=NOW, retry_at=NOW + 50)
    assert (await claimed(store, delayed)).id == other.id
    await end(store, await store.get(other.id))
    assert await claim_next(store, other) is None
    assert (await claimed(store, other, NOW + 50)).id == delayed.id


async def test_a_job_with_a_head_start_is_left_to_its_processor(store: SqlJobStore) -> None:
    held, other = await make_jobs(store, A, 2, at=NOW + 1)
    await store.head_starts.offer(held.inputs[0].upload_id, now=NOW)
    await store.head_starts.take(worker="worker-2", held_until=NOW + 5, now=NOW)
    assert (await claimed(store, held)).id == other.id
    assert await claim_next(store, other) is None
    assert await store.claim(held.id, worker="worker-2", lease_until=NOW + 15, now=NOW) is not None


async def test_a_lost_job_is_claimed_first_as_it_has_had_its_turn(store: SqlJobStore) -> None:
    lost, waiting = await make_jobs(store, A, 2)
    await claimed(store, lost, NOW)
    (other,) = await make_jobs(store, B, 1)
    again = await claimed(store, lost, NOW + 16)
    assert (again.id, again.attempt) == (lost.id, 2)
    assert {(await claimed(store, job, NOW + 16)).id for job in (waiting, other)} == {
        waiting.id,
        other.id,
    }


async def test_a_last_attempt_that_is_lost_is_recorded_although_another_job_is_claimed(
    store: SqlJobStore,
) -> None:
    lost = await make_published(store, A, max_attempts=1)
    await claimed(store, lost, NOW)
    waiting = await make_published(store, B)
    assert (await claimed(store, lost, NOW + 16)).id == waiting.id
    after = await store.get(lost.id)
    assert (after.state, after.dead_letter_is_due) == (JobState.FAILURE, True)


async def test_a_job_that_has_outgrown_the_small_ones_is_claimed_among_the_others(
    store: SqlJobStore,
) -> None:
    (job,) = await make_jobs(store, A, 1, size=SMALL)
    await claimed(store, job)
    await store.release(job.id, 1, "it is large", now=NOW, outgrown=True)
    outgrown = await store.get(job.id)
    (other,) = await make_jobs(store, B, 1, size=SMALL)
    assert (job.small, outgrown.small) == (True, False)
    assert (await claimed(store, other)).id == other.id
    assert (await claimed(store, outgrown)).id == job.id


async def test_a_wake_up_that_nothing_is_left_for_claims_nothing(store: SqlJobStore) -> None:
    (job,) = await make_jobs(store, A, 1)
    await served(store, [job])
    assert await claim_next(store, job) is None


async def test_a_wake_up_of_no_job_claims_another_if_one_waits(store: SqlJobStore) -> None:
    (job,) = await make_jobs(store, A, 1)
    async with open_store("sqlite:///:memory:") as elsewhere:
        unknown = await make_job(elsewhere, tenant=A, input_size=SMALL)
    assert (await claimed(store, unknown)).id == job.id
    with pytest.raises(JobNotFound):
        await claim_next(store, unknown)


async def test_a_claim_is_found_by_its_worker_and_the_end_of_its_lease(store: SqlJobStore) -> None:
    (job,) = await make_jobs(store, A, 1)
    await claimed(store, job, NOW)
    found = await store.claimed(worker="worker-1", lease_until=NOW + 15.0)
    assert found is not None
    assert found.id == job.id
    assert await store.claimed(worker="worker-1", lease_until=NOW + 15.1) is None
    assert await store.claimed(worker="worker-2", lease_until=NOW + 15.0) is None


@pytest.mark.parametrize("how", ["by the setting", "by the table"])
async def test_a_tenant_runs_no_more_jobs_than_it_may_although_many_claim_at_once(
    url: str, how: str
) -> None:
    limit = 3
    setting = limit if how == "by the setting" else None
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]
        if how == "by the table":
            await set_tenant(url, A, max_running=limit)
        store = stores[0]
        jobs = await make_jobs(store, A, 9)
        claims = await asyncio.gather(
            *(
                claim_next(stores[place % 3], job, max_running=setting)
                for place, job in enumerate(jobs)
            )
        )
        granted = [claim for claim in claims if claim is not None]
        states = Counter([(await store.get(job.id)).state for job in jobs])
        assert states == {JobState.STARTED: limit, JobState.PENDING: 6}
        assert len(granted) == limit
        assert all(claim.limited for claim in granted)
        assert await store.is_full(A, max_running=setting)
        # The end of one makes room for one
        ended = granted[0].job
        await end(store, ended)
        assert not await store.is_full(A, max_running=setting)
        (wakeup,) = await store.first_waiting(A, max_running=setting, now=NOW)
        assert (await store.get(wakeup.job_id)).state is JobState.PENDING
        claims = await asyncio.gather(
            *(
                claim_next(stores[place % 3], job, max_running=setting)
                for place, job in enumerate(jobs)
            )
        )
        assert len([claim for claim in claims if claim is not None]) == 1


async def test_a_full_tenant_leaves_its_wake_ups_to_others(store: SqlJobStore, url: str) -> None:
    await set_tenant(url, A, max_running=1)
    many = await make_jobs(store, A, 3)
    others = await make_jobs(store, B, 2)
    order = [await claimed(store, job) for job in many]
    assert [job.tenant for job in order].count(A) == 1
    assert [job.tenant for job in order].count(B) == 2
    assert await claim_next(store, others[0]) is None


async def test_lost_jobs_are_claimed_again_although_their_tenant_may_run_fewer_now(
    store: SqlJobStore, url: str
) -> None:
    lost = await make_jobs(store, A, 2)
    for job in lost:
        await claimed(store, job)
    await set_tenant(url, A, max_running=1)
    assert [(await claimed(store, job, NOW + 60)).id for job in lost] == [job.id for job in lost]


async def test_a_tenant_without_a_limit_has_no_wake_ups_to_catch_up_with(
    store: SqlJobStore,
) -> None:
    await make_jobs(store, A, 3)
    assert not await store.is_full(A, max_running=None)
    assert await store.first_waiting(A, max_running=None, now=NOW) == []


async def test_concurrent_claims_of_several_tenants_claim_every_job_once(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]
        queue = [job for tenant in (A, B, C) for job in await make_jobs(stores[0], tenant, 12)]
        claims = await asyncio.gather(
            *(claim_next(stores[place % 3], job) for place, job in enumerate(queue))
        )
        granted = [claim.job.id for claim in claims if claim is not None]
        assert len(granted) == len(set(granted)) == len(queue)
