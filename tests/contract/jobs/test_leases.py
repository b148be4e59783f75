"""Attempts are claimed, and hold a lease."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from shared.errors import LeaseLost
from shared.jobs.job import JobState
from shared.jobs.wake_up import WakeUp
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.steps import claim, outcomes

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.store import SqlJobStore


async def test_one_of_many_concurrent_claims_is_granted(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        for lost in range(3):
            job = await make_job(one)
            for number in range(lost):
                await claim(one, job, now=number, lease_until=number + 0.5)
            claims = await asyncio.gather(
                *(claim(store, job, now=lost, lease_until=99.0) for store in (one, other) * 6)
            )
            winners = [claimed for claimed in claims if claimed]
            assert [winner.attempt for winner in winners] == [lost + 1]
            assert await outcomes(one, job) == ["lost"] * lost + [None]


async def test_a_leased_job_cannot_be_claimed_until_the_lease_has_run_out(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job, now=1.0, lease_until=10.0)
    assert await claim(store, job, now=10.0) is None
    second = await claim(store, job, now=10.5, lease_until=20.0)
    assert second is not None
    assert (second.attempt, second.lease_until, second.worker) == (2, 20.0, "worker-1")


async def test_a_heartbeat_extends_the_lease(store: SqlJobStore) -> None:
    job = await make_job(store)
    await claim(store, job, lease_until=10.0)
    await store.heartbeat(job.id, 1, lease_until=30.0)
    assert (await store.get(job.id)).lease_until == 30.0
    assert await claim(store, job, now=20.0) is None


@pytest.mark.parametrize("how", ["failed", "released"])
async def test_the_next_attempt_is_not_claimed_before_its_retry_time(
    store: SqlJobStore, how: str
) -> None:
    job = await make_job(store)
    await claim(store, job, lease_until=10.0)
    if how == "failed":
        after = await store.fail(job.id, 1, "disk full", final=False, now=2.0, retry_at=50.0)
        assert after.retry_at == 50.0
    else:
        await store.release(job.id, 1, "storage is unavailable", now=2.0, retry_at=50.0)
    assert await claim(store, job, now=49.0) is None
    for now, overdue in ((49.0, []), (50.0, [WakeUp.of(job)])):
        assert overdue == await store.overdue(
            now=now, unpublished_for=1.0, lost_before=now - 300.0, limit=9
        )
    second = await claim(store, job, now=50.0, lease_until=60.0)
    assert second is not None
    assert (second.attempt, second.retry_at) == (2, None)


async def test_a_delayed_heartbeat_does_not_shorten_the_lease(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job, lease_until=10.0)
    await store.heartbeat(job.id, 1, lease_until=30.0)
    await store.heartbeat(job.id, 1, lease_until=20.0)
    assert (await store.get(job.id)).lease_until == 30.0


async def test_a_late_worker_without_a_successor_may_continue_and_finish(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job, lease_until=10.0)
    await store.heartbeat(job.id, 1, lease_until=12.0)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=50.0)
    assert (await store.get(job.id)).state is JobState.SUCCESS


async def test_a_replaced_worker_cannot_change_the_job(store: SqlJobStore) -> None:
    job = await make_job(store)
    await claim(store, job, now=1.0, lease_until=2.0)
    await claim(store, job, now=3.0, lease_until=9.0)
    before = await store.get(job.id)
    with pytest.raises(LeaseLost):
        await store.heartbeat(job.id, 1, lease_until=99.0)
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 1, result_of(job.id, 1), now=4.0)
    with pytest.raises(LeaseLost):
        await store.fail(job.id, 1, "late", final=True, now=4.0)
    with pytest.raises(LeaseLost):
        await store.release(job.id, 1, "late", now=4.0)
    assert await store.get(job.id) == before
    assert await outcomes(store, job) == ["lost", None]


async def test_concurrent_transitions_of_different_jobs_do_not_interfere(
    url: str,
) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]

        async def run_job(number: int) -> JobState:
            store = stores[number % 3]
            job = await make_job(store)
            await claim(store, job)
            await store.heartbeat(job.id, 1, lease_until=20.0)
            await store.fail(job.id, 1, "once", final=False, now=2.0)
            await claim(store, job, now=3.0)
            await store.succeed(job.id, 2, result_of(job.id, 2), now=4.0)
            assert await outcomes(store, job) == ["failure", "success"]
            return (await store.get(job.id)).state

        assert set(await asyncio.gather(*map(run_job, range(30)))) == {JobState.SUCCESS}


async def test_every_attempt_that_a_claim_records_as_lost_is_reported_once(url: str) -> None:
    lost: list[tuple[UUID, int]] = []
    async with open_store(url, lambda job_id, attempt: lost.append((job_id, attempt))) as store:
        job = await make_job(store, max_attempts=2)
        await claim(store, job, now=1.0, lease_until=10.0)
        await claim(store, job, now=2.0)
        assert lost == []
        # Lost, and claimed again
        await claim(store, job, now=11.0, lease_until=20.0)
        assert lost == [(job.id, 1)]
        # Lost, with no attempt left
        await claim(store, job, now=21.0)
        await claim(store, job, now=22.0)
        assert lost == [(job.id, 1), (job.id, 2)]
        # Not lost: the attempt ended
        other = await make_job(store)
        failed = await claim(store, other, now=1.0)
        assert failed is not None
        await store.fail(other.id, failed.attempt, "reason", final=False, now=2.0)
        await claim(store, other, now=3.0)
        assert len(lost) == 2
