"""How attempts end, and what becomes of their jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.blobs.blob import rejects_key
from shared.errors import LeaseLost
from shared.jobs.job import JobRejects, JobState
from tests.contract.job_stores import make_job, result_of
from tests.contract.jobs.steps import bring, claim, outcomes, overdue

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


async def test_success_records_the_result_of_its_attempt(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job)
    await store.fail(job.id, 1, "no memory", final=False, now=2.0)
    await claim(store, job, now=3.0)
    await store.succeed(job.id, 2, result_of(job.id, 2), now=4.0)
    done = await store.get(job.id)
    assert (done.state, done.result) == (JobState.SUCCESS, result_of(job.id, 2))
    assert (done.finished_at, done.lease_until, done.reason) == (4.0, None, None)
    assert await outcomes(store, job) == ["failure", "success"]


async def test_success_may_be_repeated_only_by_the_same_attempt_with_the_same_result(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=2.0)
    done = await store.get(job.id)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=3.0)
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 1, result_of(job.id, 2), now=3.0)
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 2, result_of(job.id, 1), now=3.0)
    assert await store.get(job.id) == done


async def test_success_points_to_the_rejects_beside_the_result(store: SqlJobStore) -> None:
    job = await make_job(store)
    await claim(store, job)
    rejects = JobRejects(rejects_key(job.id, 1), 7 << 32, "f" * 64)
    result = replace(result_of(job.id, 1), rejects=rejects)
    await store.succeed(job.id, 1, result, now=2.0)
    assert (await store.get(job.id)).result == result
    await store.succeed(job.id, 1, result, now=3.0)
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 1, result_of(job.id, 1), now=3.0)


async def test_a_failed_attempt_is_retried_until_the_last_one(store: SqlJobStore) -> None:
    job = await make_job(store, max_attempts=2)
    await claim(store, job)
    failed = await store.fail(job.id, 1, "no memory", final=False, now=2.0)
    assert (failed.state, failed.reason, failed.finished_at) == (JobState.RETRY, "no memory", None)
    await claim(store, job, now=3.0)
    failed = await store.fail(job.id, 2, "no disk", final=False, now=4.0)
    assert (failed.state, failed.reason, failed.finished_at) == (JobState.FAILURE, "no disk", 4.0)
    assert await store.get(job.id) == failed
    assert [(a.outcome, a.reason, a.started_at, a.ended_at) for a in await store.attempts(job.id)] \
        == [("failure", "no memory", 1.0, 2.0), ("failure", "no disk", 3.0, 4.0)]  # fmt: skip
    assert await claim(store, job, now=9.0) is None


async def test_a_final_failure_is_not_retried(store: SqlJobStore) -> None:
    job = await make_job(store, max_attempts=9)
    await claim(store, job)
    failed = await store.fail(job.id, 1, "line 7 is malformed", final=True, now=2.0)
    assert (failed.state, failed.reason) == (JobState.FAILURE, "line 7 is malformed")


async def test_a_job_that_kills_its_workers_fails_when_its_attempts_are_used_up(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, max_attempts=2)
    await claim(store, job, now=1.0, lease_until=2.0)
    await claim(store, job, now=3.0, lease_until=4.0)
    assert await claim(store, job, now=5.0) is None
    dead = await store.get(job.id)
    assert (dead.state, dead.attempt, dead.finished_at) == (JobState.FAILURE, 2, 5.0)
    assert dead.reason is not None
    assert "lost" in dead.reason
    assert await outcomes(store, job) == ["lost", "lost"]
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 2, result_of(job.id, 2), now=6.0)


async def test_a_released_job_can_be_claimed_immediately_and_uses_up_no_attempt(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, max_attempts=1)
    for attempt in range(1, 6):
        claimed = await claim(store, job, now=attempt)
        assert claimed is not None
        assert claimed.attempt == attempt
        await store.release(job.id, attempt, "shutting down", now=attempt)
        assert (await store.get(job.id)).state is JobState.RETRY
    await claim(store, job, now=7.0)
    assert (await store.fail(job.id, 6, "bad", final=False, now=8.0)).state is JobState.FAILURE
    assert await outcomes(store, job) == ["released"] * 5 + ["failure"]


@pytest.mark.parametrize("state", [JobState.SUCCESS, JobState.FAILURE, JobState.REVOKED])
async def test_no_call_changes_a_finished_job(store: SqlJobStore, state: JobState) -> None:
    job = finished = await bring(store, await make_job(store), state)
    attempts = await store.attempts(job.id)
    assert finished.state.terminal
    assert await store.cancel(job.id, now=7.0) == finished
    assert await claim(store, job, now=99.0) is None
    with pytest.raises(LeaseLost):
        await store.heartbeat(job.id, 1, lease_until=99.0)
    with pytest.raises(LeaseLost):
        await store.fail(job.id, 1, "late", final=True, now=7.0)
    with pytest.raises(LeaseLost):
        await store.release(job.id, 1, "late", now=7.0)
    assert await store.get(job.id) == finished
    assert await store.attempts(job.id) == attempts
    assert await overdue(store, 1e9) == []
