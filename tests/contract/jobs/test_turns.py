"""Jobs are claimed in turn: each tenant has its share, whoever has sent more."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from shared.errors import JobNotFound
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job, open_store
from tests.contract.jobs.turns import (
    LARGE,
    NOW,
    SMALL,
    A,
    B,
    C,
    claim_next,
    claimed,
    end,
    make_jobs,
    make_published,
    served,
    set_tenant,
)

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


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


async def test_concurrent_claims_of_several_tenants_claim_every_job_once(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]
        queue = [job for tenant in (A, B, C) for job in await make_jobs(stores[0], tenant, 12)]
        claims = await asyncio.gather(
            *(claim_next(stores[place % 3], job) for place, job in enumerate(queue))
        )
        granted = [claim.job.id for claim in claims if claim is not None]
        assert len(granted) == len(set(granted)) == len(queue)
