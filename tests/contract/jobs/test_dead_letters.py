"""The contract of the job store for dead letters, on each database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.database import connect
from shared.database.migrate import migrate
from shared.database.scripts import load_migrations
from shared.jobs.job import Job, JobState
from tests.contract.job_stores import make_job, open_store, result_of

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore

DUE_FOR = 10.0
NOW = 5.0
"""The time at which jobs fail."""


async def fail(
    store: SqlJobStore, job: Job, *, now: float = NOW, attempt: int = 1, final: bool = False
) -> Job:
    await store.claim(job.id, worker="w", lease_until=now + 1, now=now)
    return await store.fail(job.id, attempt, "why", final=final, now=now)


async def failed(store: SqlJobStore, *, now: float = NOW) -> Job:
    """Create a job whose only attempt failed."""
    return await fail(store, await make_job(store, max_attempts=1), now=now)


async def take(store: SqlJobStore, now: float) -> Job | None:
    return await store.take_dead_letter(now=now, due_for=DUE_FOR)


async def test_a_dead_letter_is_due_when_the_attempts_are_used_up(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, max_attempts=2)
    first = await fail(store, job)
    assert (first.state, first.dead_letter_is_due) == (JobState.RETRY, False)
    last = await fail(store, job, now=7.0, attempt=2)
    assert (last.state, last.dead_letter_is_due) == (JobState.FAILURE, True)
    assert (last.dead_letter_due_at, last.dead_lettered_at) == (7.0, None)
    assert await store.get(job.id) == last


async def test_a_dead_letter_is_due_when_the_last_attempt_was_lost(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, max_attempts=1)
    await store.claim(job.id, worker="killed", lease_until=2.0, now=1.0)
    assert await store.claim(job.id, worker="finder", lease_until=9.0, now=3.0) is None
    found = await store.get(job.id)
    assert (found.state, found.dead_letter_is_due) == (JobState.FAILURE, True)
    assert found.dead_letter_due_at == 3.0


@pytest.mark.parametrize("max_attempts", [1, 3], ids=["at the last attempt", "at the first"])
async def test_no_dead_letter_is_due_after_a_final_failure(
    store: SqlJobStore, max_attempts: int
) -> None:
    job = await make_job(store, max_attempts=max_attempts)
    after = await fail(store, job, final=True)
    assert (after.state, after.dead_letter_is_due) == (JobState.FAILURE, False)
    assert await take(store, 1e9) is None


async def test_no_dead_letter_is_due_for_other_ends(store: SqlJobStore) -> None:
    cancelled, done = await make_job(store, max_attempts=1), await make_job(store, max_attempts=1)
    await store.claim(cancelled.id, worker="w", lease_until=2.0, now=1.0)
    assert not (await store.cancel(cancelled.id, now=3.0)).dead_letter_is_due
    await store.claim(done.id, worker="w", lease_until=2.0, now=1.0)
    await store.succeed(done.id, 1, result_of(done.id, 1), now=3.0)
    assert not (await store.get(done.id)).dead_letter_is_due
    assert await take(store, 1e9) is None


async def test_a_recorded_dead_letter_is_no_longer_due(store: SqlJobStore) -> None:
    job = await failed(store)
    await store.mark_dead_lettered(job.id, 1, now=6.0)
    after = await store.get(job.id)
    assert (after.dead_letter_is_due, after.dead_lettered_at) == (False, 6.0)
    # Recorded again, by another process that published it too
    await store.mark_dead_lettered(job.id, 1, now=8.0)
    assert await store.get(job.id) == after
    assert await take(store, 1e9) is None


async def test_the_longest_due_dead_letter_is_taken_first_and_none_early(
    store: SqlJobStore,
) -> None:
    later, sooner = await failed(store, now=6.0), await failed(store, now=5.0)
    assert await take(store, 5.0 + DUE_FOR - 0.5) is None
    assert [await take(store, 6.0 + DUE_FOR) for _ in range(3)] == [
        await store.get(sooner.id),
        await store.get(later.id),
        None,
    ]


async def test_a_dead_letter_that_was_taken_and_not_recorded_can_be_taken_again_later(
    store: SqlJobStore,
) -> None:
    job = await failed(store)
    taken_at = NOW + DUE_FOR
    assert await take(store, taken_at)
    assert await take(store, taken_at + DUE_FOR - 0.5) is None
    again = await take(store, taken_at + DUE_FOR)
    assert again is not None
    assert again.id == job.id


async def test_only_one_of_many_concurrent_callers_takes_a_dead_letter(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]
        await failed(stores[0])
        taken = await asyncio.gather(*(take(store, NOW + DUE_FOR) for store in stores * 4))
    assert sum(job is not None for job in taken) == 1


async def test_a_retry_clears_due_and_recorded_dead_letters(store: SqlJobStore) -> None:
    due, put = await failed(store), await failed(store)
    await store.mark_dead_lettered(put.id, 1, now=6.0)
    for job in (due, put):
        again = await store.retry(job.id)
        assert again is not None
        assert (again.dead_letter_due_at, again.dead_lettered_at) == (None, None)
        # A late record changes neither that nor the next failure
        await store.mark_dead_lettered(job.id, 1, now=7.0)
        assert await store.get(job.id) == again
        after = await fail(store, job, now=8.0, attempt=2)
        await store.mark_dead_lettered(job.id, 1, now=9.0)
        assert await store.get(job.id) == after
        assert after.dead_letter_is_due


async def test_a_dead_letter_is_due_although_the_job_has_expired(store: SqlJobStore) -> None:
    job = await failed(store)
    assert await store.expire(finished_before=9.0, now=10.0, limit=9) == 1
    taken = await take(store, NOW + DUE_FOR)
    assert taken is not None
    assert taken.id == job.id


async def test_recording_a_dead_letter_of_an_unknown_job_changes_nothing(
    store: SqlJobStore,
) -> None:
    await store.mark_dead_lettered(uuid4(), 1, now=1.0)


async def test_no_dead_letter_is_due_for_jobs_that_failed_before_the_migration(
    empty_url: str,
) -> None:
    # Given a database as an earlier release left it, with a job that failed
    database = await connect(empty_url)
    try:
        await migrate(database, [step for step in load_migrations() if step.version < 4])
        job_id = str(uuid4())
        await database.write(
            "INSERT INTO jobs (id, upload_id, input_key, input_size, filename, aggregation, state,"
            " attempt, failures, max_attempts, created_at, finished_at)"
            " VALUES ($1, $1, 'uploads/x', 1, 'x', '{}', 'FAILURE', 1, 1, 1, 0, 1)",
            job_id,
        )
    finally:
        await database.close()
    # When this one opens it
    async with open_store(empty_url) as store:
        assert await take(store, 1e9) is None


async def test_a_version_without_dead_letters_works_beside_this_one(url: str) -> None:
    # Given a failure that this release recorded
    async with open_store(url) as store:
        job = await failed(store)
        # When the statements of the earlier release retry the job and it finishes
        database = await connect(url)
        try:
            await database.write(
                "UPDATE jobs SET state = 'RETRY', failures = 0, finished_at = NULL,"
                " published_at = NULL WHERE id = $1 AND state = 'FAILURE' AND expired_at IS NULL",
                str(job.id),
            )
        finally:
            await database.close()
        assert not (await store.get(job.id)).dead_letter_is_due
        assert await take(store, 1e9) is None
        await store.claim(job.id, worker="w", lease_until=20.0, now=10.0)
        await store.succeed(job.id, 2, result_of(job.id, 2), now=11.0)
        # Then no dead letter is due
        assert not (await store.get(job.id)).dead_letter_is_due
        assert await take(store, 1e9) is None
