"""What operators do to a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.errors import LeaseLost
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.steps import bring, claim, outcomes, overdue

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.STARTED, JobState.RETRY])
async def test_a_job_that_is_not_finished_can_be_cancelled(
    store: SqlJobStore, state: JobState
) -> None:
    job = await bring(store, await make_job(store), state)
    attempts = len(await store.attempts(job.id))
    cancelled = await store.cancel(job.id, now=5.0)
    assert (cancelled.state, cancelled.finished_at) == (JobState.REVOKED, 5.0)
    assert await store.get(job.id) == cancelled
    assert await claim(store, job, now=99.0) is None
    if state is JobState.STARTED:
        assert await outcomes(store, job) == ["revoked"]
        with pytest.raises(LeaseLost):
            await store.heartbeat(job.id, 1, lease_until=99.0)
        with pytest.raises(LeaseLost):
            await store.succeed(job.id, 1, result_of(job.id, 1), now=6.0)
    assert len(await store.attempts(job.id)) == attempts


async def test_a_failed_job_that_is_retried_has_all_its_attempts_again(store: SqlJobStore) -> None:
    # Given a job that used up its attempts
    job = await make_job(store, max_attempts=2, now=0.0)
    await store.mark_published(job.id, 0.0)
    await bring(store, job, JobState.RETRY)
    await claim(store, job, now=3.0, lease_until=4.0)
    assert await claim(store, job, now=5.0) is None
    failed = await store.get(job.id)
    # When it is retried
    again = await store.retry(job.id)
    # Then it waits for a wake-up and still shows why it failed
    assert again is not None
    assert (again.state, again.finished_at, again.published_at) == (JobState.RETRY, None, None)
    assert (again.reason, again.attempt) == (failed.reason, 2)
    assert await store.get(job.id) == again
    assert await overdue(store, 20.0) == [job.id]
    # And one more failure is not the last, and no attempt number is used twice
    third = await claim(store, job, now=21.0)
    assert third is not None
    assert third.attempt == 3
    assert (await store.fail(job.id, 3, "why", final=False, now=22.0)).state is JobState.RETRY
    await claim(store, job, now=23.0)
    await store.succeed(job.id, 4, result_of(job.id, 4), now=24.0)
    assert await outcomes(store, job) == ["failure", "lost", "failure", "success"]


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.FAILURE}))
async def test_only_a_failed_job_can_be_retried(store: SqlJobStore, state: JobState) -> None:
    before = await bring(store, await make_job(store), state)
    assert await store.retry(before.id) is None
    assert await store.get(before.id) == before


async def test_a_failed_job_that_has_expired_is_not_retried(store: SqlJobStore) -> None:
    job = await bring(store, await make_job(store), JobState.FAILURE)
    assert await store.expire(finished_before=9.0, now=10.0, limit=9) == 1
    before = await store.get(job.id)
    assert await store.retry(job.id) is None
    assert await store.get(job.id) == before


async def test_one_of_many_concurrent_retries_succeeds(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        job = await bring(one, await make_job(one), JobState.FAILURE)
        answers = await asyncio.gather(*(store.retry(job.id) for store in (one, other) * 5))
    assert sum(answer is not None for answer in answers) == 1
