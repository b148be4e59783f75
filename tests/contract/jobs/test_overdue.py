"""Jobs without a wake-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.job_stores import make_job
from tests.contract.jobs.steps import claim, overdue

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


async def test_a_waiting_job_without_a_wake_up_is_overdue_after_a_while(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=100.0)
    assert await overdue(store, 109.0) == []
    assert await overdue(store, 110.0) == [job.id]


async def test_the_wake_up_of_an_overdue_job_says_whether_it_is_small(store: SqlJobStore) -> None:
    jobs = [await make_job(store, input_size=size) for size in (0, 4 << 20, (4 << 20) + 1)]
    found = await store.overdue(now=99.0, unpublished_for=0.0, lost_before=0.0, limit=9)
    assert {wakeup.job_id: wakeup.small for wakeup in found} == dict(
        zip((job.id for job in jobs), (True, True, False), strict=True)
    )


async def test_an_undelivered_wake_up_counts_as_lost_after_a_long_time(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=100.0)
    await store.mark_published(job.id, 111.0)
    assert (await store.get(job.id)).published_at == 111.0
    assert await overdue(store, 210.0) == []
    assert await overdue(store, 211.0) == [job.id]


async def test_a_delayed_job_is_not_overdue_at_any_age_of_its_wake_up(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=0.0)
    await claim(store, job, now=1.0)
    await store.fail(job.id, 1, "disk full", final=False, now=2.0, retry_at=500.0)
    await store.mark_published(job.id, 3.0)
    assert await overdue(store, 499.0) == []
    assert await overdue(store, 500.0) == [job.id]


@pytest.mark.parametrize("ending", ["fail", "release"])
async def test_a_job_whose_attempt_ended_is_overdue_until_it_is_woken(
    store: SqlJobStore, ending: str
) -> None:
    job = await make_job(store, now=0.0)
    await store.mark_published(job.id, 0.0)
    await claim(store, job, now=20.0, lease_until=50.0)
    if ending == "fail":
        await store.fail(job.id, 1, "crash", final=False, now=21.0)
    else:
        await store.release(job.id, 1, "shutdown", now=21.0)
    assert await overdue(store, 21.0) == [job.id]
    await store.mark_published(job.id, 22.0)
    assert await overdue(store, 23.0) == []


async def test_a_started_job_is_overdue_only_after_the_end_of_its_lease(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=0.0)
    await store.mark_published(job.id, 0.0)
    await claim(store, job, now=1.0, lease_until=50.0)
    assert await overdue(store, 50.0) == []
    assert await overdue(store, 51.0) == [job.id]


async def test_a_job_woken_after_the_end_of_its_lease_is_overdue_again_later(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=0.0)
    await claim(store, job, now=1.0, lease_until=50.0)
    await store.mark_published(job.id, 51.0)
    assert await overdue(store, 150.0) == []
    assert await overdue(store, 151.0) == [job.id]


async def test_overdue_jobs_are_returned_oldest_first_up_to_the_limit(store: SqlJobStore) -> None:
    jobs = {now: await make_job(store, now=now) for now in (3.0, 1.0, 2.0)}
    await claim(store, jobs[2.0], now=4.0, lease_until=5.0)
    expected = [jobs[1.0].id, jobs[2.0].id, jobs[3.0].id]
    assert await overdue(store, 99.0) == expected
    assert await overdue(store, 99.0, limit=2) == expected[:2]
