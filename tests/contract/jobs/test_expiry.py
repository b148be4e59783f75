"""The contract of the job store for expired jobs, on each database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.database import connect
from shared.errors import JobNotFound
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job, open_store
from tests.contract.jobs.steps import bring

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore


async def job_in(store: SqlJobStore, state: JobState, *, at: float) -> Job:
    """Create a job that entered `state` at time `at`."""
    return await bring(store, await make_job(store, now=at), state, at=at)


async def expire(store: SqlJobStore, *, before: float, now: float, limit: int = 100) -> int:
    return await store.expire(finished_before=before, now=now, limit=limit)


async def has_expired(store: SqlJobStore, job: Job) -> bool:
    return (await store.get(job.id)).expired_at is not None


@pytest.mark.parametrize("state", [JobState.SUCCESS, JobState.FAILURE])
async def test_a_finished_job_expires_after_its_ttl_and_not_before(
    store: SqlJobStore, state: JobState
) -> None:
    job = await job_in(store, state, at=100.0)

    assert await expire(store, before=100.0, now=150.0) == 0
    assert await store.get(job.id) == job
    assert await expire(store, before=100.5, now=150.5) == 1

    expired = await store.get(job.id)
    assert expired.expired_at == 150.5
    # Everything else is unchanged: the job and its result are still shown.
    assert (expired.state, expired.result, expired.reason) == (state, job.result, job.reason)


async def test_a_cancelled_job_expires_immediately(store: SqlJobStore) -> None:
    job = await job_in(store, JobState.REVOKED, at=100.0)
    assert await expire(store, before=0.0, now=100.0) == 1
    assert await has_expired(store, job)


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.STARTED, JobState.RETRY])
async def test_an_unfinished_job_never_expires(store: SqlJobStore, state: JobState) -> None:
    job = await job_in(store, state, at=100.0)
    assert await expire(store, before=1e12, now=1e12) == 0
    assert await store.get(job.id) == job


async def test_an_expired_job_is_not_expired_again(store: SqlJobStore) -> None:
    job = await job_in(store, JobState.SUCCESS, at=100.0)
    assert await expire(store, before=200.0, now=300.0) == 1
    assert await expire(store, before=200.0, now=400.0) == 0
    assert (await store.get(job.id)).expired_at == 300.0


async def test_an_expired_job_cannot_be_claimed_and_its_upload_gets_no_other_job(
    store: SqlJobStore,
) -> None:
    job = await job_in(store, JobState.FAILURE, at=100.0)
    await expire(store, before=200.0, now=300.0)
    expired = await store.get(job.id)

    assert await store.claim(job.id, worker="w", lease_until=999.0, now=500.0) is None
    assert await make_job(store, upload_id=job.upload_id, now=600.0) == expired


async def test_a_constraint_of_the_database_keeps_an_expired_job_terminal(
    store: SqlJobStore, url: str
) -> None:
    job = await job_in(store, JobState.FAILURE, at=100.0)
    await expire(store, before=200.0, now=300.0)
    database = await connect(url)
    try:
        with pytest.raises(Exception, match="jobs_expired_when_terminal"):
            await database.write(
                "UPDATE jobs SET state = 'RETRY', finished_at = NULL WHERE id = $1", str(job.id)
            )
    finally:
        await database.close()
    assert (await store.get(job.id)).state is JobState.FAILURE


async def test_the_oldest_expire_first_up_to_the_limit(store: SqlJobStore) -> None:
    jobs = [await job_in(store, JobState.SUCCESS, at=at) for at in (30.0, 10.0, 20.0)]
    assert await expire(store, before=99.0, now=100.0, limit=2) == 2
    assert [await has_expired(store, job) for job in jobs] == [False, True, True]
    assert await expire(store, before=99.0, now=100.0, limit=2) == 1


async def test_concurrent_calls_expire_each_job_once(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        for _ in range(10):
            await job_in(one, JobState.SUCCESS, at=1.0)
        counts = await asyncio.gather(
            *(expire(store, before=9.0, now=9.0) for store in (one, other) * 3)
        )
    assert sum(counts) == 10


async def test_a_failed_job_of_any_age_can_be_expired(store: SqlJobStore) -> None:
    job, other = [await job_in(store, JobState.FAILURE, at=100.0) for _ in range(2)]
    expired = await store.expire_failed(job.id, now=100.0)
    assert (expired.expired_at, expired.state, expired.reason) == (100.0, job.state, job.reason)
    assert await store.expire_failed(job.id, now=200.0) == expired == await store.get(job.id)
    assert await store.retry(job.id) is None
    assert await store.get(other.id) == other


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.FAILURE}))
async def test_only_a_failed_job_can_be_expired_alone(store: SqlJobStore, state: JobState) -> None:
    job = await job_in(store, state, at=100.0)
    assert await store.expire_failed(job.id, now=200.0) == job == await store.get(job.id)
    with pytest.raises(JobNotFound):
        await store.expire_failed(uuid4(), now=200.0)


@pytest.mark.parametrize("state", sorted(JobState))
async def test_a_job_that_has_ended_can_be_expired_at_any_age(
    store: SqlJobStore, state: JobState
) -> None:
    job = await job_in(store, state, at=100.0)
    after = await store.expire_ended(job.id, now=200.0)
    assert after == await store.get(job.id)
    assert after.state is state
    assert after.expired_at == (200.0 if state.terminal else None)
    # Final
    assert await store.expire_ended(job.id, now=300.0) == after
    with pytest.raises(JobNotFound):
        await store.expire_ended(uuid4(), now=200.0)


@pytest.mark.parametrize("state", sorted(JobState))
async def test_only_the_result_of_a_job_that_has_succeeded_can_be_deleted(
    store: SqlJobStore, state: JobState
) -> None:
    job = await job_in(store, state, at=100.0)
    after = await store.delete_result(job.id, now=200.0)
    assert after == await store.get(job.id)
    succeeded = state is JobState.SUCCESS
    assert after == replace(job, result_deleted_at=200.0 if succeeded else None)
    assert job.has_kept_result is succeeded
    assert not after.has_kept_result
    # Final
    assert await store.delete_result(job.id, now=300.0) == after
    with pytest.raises(JobNotFound):
        await store.delete_result(uuid4(), now=200.0)


async def test_the_result_of_an_expired_job_is_gone_already(store: SqlJobStore) -> None:
    job = await job_in(store, JobState.SUCCESS, at=100.0)
    expired = await store.expire_ended(job.id, now=200.0)
    assert not expired.has_kept_result
    assert await store.delete_result(job.id, now=300.0) == expired


async def test_a_job_whose_result_was_deleted_expires_as_others(store: SqlJobStore) -> None:
    job = await job_in(store, JobState.SUCCESS, at=100.0)
    await store.delete_result(job.id, now=150.0)
    assert await store.expire(finished_before=200.0, now=210.0, limit=9) == 1
    after = await store.get(job.id)
    assert (after.expired_at, after.result_deleted_at) == (210.0, 150.0)


async def test_a_failure_is_either_expired_or_retried(store: SqlJobStore) -> None:
    for _ in range(10):
        job = await job_in(store, JobState.FAILURE, at=100.0)
        expired, retried = await asyncio.gather(
            store.expire_failed(job.id, now=200.0), store.retry(job.id)
        )
        assert (expired.expired_at is None) == (retried is not None)
        assert expired == await store.get(job.id)


async def test_many_jobs_are_found_by_id_and_by_upload_in_one_query(store: SqlJobStore) -> None:
    jobs = [await make_job(store) for _ in range(120)]
    strangers = [uuid4(), uuid4()]

    wanted = jobs[1:119]
    assert await store.get_many([*strangers, *(job.id for job in wanted)]) == {
        job.id: job for job in wanted
    }
    assert await store.of_uploads([*(job.inputs[0].upload_id for job in wanted), *strangers]) == {
        job.upload_id: job for job in wanted
    }
    assert await store.get_many(strangers) == {}
    assert await store.get_many([]) == {}
    assert await store.of_uploads([]) == {}
