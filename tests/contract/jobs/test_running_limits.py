"""A tenant runs no more jobs than it may, and those that wait are woken."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from shared.jobs.job import JobState
from tests.contract.job_stores import open_store
from tests.contract.jobs.turns import NOW, A, B, claim_next, claimed, end, make_jobs, set_tenant

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


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
