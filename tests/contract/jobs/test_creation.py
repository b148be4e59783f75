"""Jobs are created, found and read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.blobs.blob import upload_key
from shared.errors import JobNotFound, LeaseLost
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import JobState, Unfinished
from tests.aggregations import sum_of
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.steps import claim, outcomes

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore


async def test_a_job_is_read_as_it_was_created(store: SqlJobStore) -> None:
    aggregation = sum_of(7, group_by=(3, 0), header=("é,", '"quoted"', "sum"))
    upload_id = uuid4()
    job = await store.create(
        upload_id=upload_id,
        input_key=(await make_job(store, upload_id=uuid4())).inputs[0].key,
        input_size=(1 << 62) + 1,
        filename="Übersicht 🎵.csv",
        aggregation=aggregation,
        max_attempts=4,
        now=1_790_000_000.123456,
    )
    assert (job.state, job.attempt, job.result) == (JobState.PENDING, 0, None)
    assert (job.upload_id, job.filename, job.aggregation) == (
        upload_id,
        "Übersicht 🎵.csv",
        aggregation,
    )
    assert (job.input_size, job.created_at) == ((1 << 62) + 1, 1_790_000_000.123456)
    assert await store.get(job.id) == job
    assert await store.attempts(job.id) == []


async def test_a_job_keeps_the_version_and_the_digest_of_its_input(store: SqlJobStore) -> None:
    upload_id = uuid4()

    async def create(version: str, sha256: str | None = None) -> Job:
        return await store.create(
            upload_id=upload_id,
            input_key=upload_key(upload_id),
            input_size=1,
            filename="plays.csv",
            aggregation=sum_of(1, group_by=(0,), header=("a", "sum")),
            max_attempts=4,
            now=1.0,
            input_version=version,
            input_sha256=sha256,
        )

    job = await create("1.5-0", "0" * 64)
    assert (job.inputs[0].version, job.inputs[0].sha256) == ("1.5-0", "0" * 64)
    # Other bytes under the same name do not change that.
    assert await create("2.5-0") == job == await store.get(job.id)
    older = await make_job(store)
    assert (older.inputs[0].version, older.inputs[0].sha256) == (None, None)


async def test_text_that_databases_refuse_is_stored_with_escapes(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, filename="nul\0 and half a pair \ud83c.csv")
    assert job.filename == "nul\\x00 and half a pair \\ud83c.csv"
    await claim(store, job)
    failed = await store.fail(job.id, 1, "found '\0'" + "x" * 10_000, final=True, now=2.0)
    assert failed.reason is not None
    assert failed.reason.startswith("found '\\x00'xxx")
    assert len(failed.reason) == 4000


async def test_concurrent_calls_create_one_job_for_an_upload(url: str) -> None:
    upload_id = uuid4()
    async with open_store(url) as one, open_store(url) as other:
        jobs = await asyncio.gather(
            *(make_job(store, upload_id=upload_id) for store in (one, other) * 10)
        )
    assert len({job.id for job in jobs}) == 1


async def test_a_job_without_any_attempt_is_refused(store: SqlJobStore) -> None:
    with pytest.raises(ValueError, match="max_attempts is 0"):
        await make_job(store, max_attempts=0)


async def test_any_number_of_jobs_is_found_by_their_ids(store: SqlJobStore) -> None:
    jobs = [await make_job(store) for _ in range(19)]
    for number in range(1, len(jobs) + 1):
        some = jobs[:number]
        assert await store.get_many([job.id for job in some]) == {job.id: job for job in some}


async def test_a_job_is_found_by_its_upload(store: SqlJobStore) -> None:
    job = await make_job(store)
    assert await store.of_upload(job.inputs[0].upload_id) == job
    assert await store.of_upload(uuid4()) is None


async def test_an_unknown_job_is_not_found(store: SqlJobStore) -> None:
    unknown = uuid4()
    with pytest.raises(JobNotFound, match=str(unknown)):
        await store.get(unknown)
    with pytest.raises(JobNotFound):
        await store.claim(unknown, worker="w", lease_until=2.0, now=1.0)
    with pytest.raises(JobNotFound):
        await store.cancel(unknown, now=1.0)
    with pytest.raises(JobNotFound):
        await store.retry(unknown)
    with pytest.raises(JobNotFound):
        await store.mark_published(unknown, 1.0)
    with pytest.raises(LeaseLost):
        await store.succeed(unknown, 1, result_of(unknown, 1), now=1.0)
    assert await store.attempts(unknown) == []


async def test_committed_changes_are_visible_after_reopening_the_database(url: str) -> None:
    async with open_store(url) as first:
        job = await make_job(first)
        claimed = await claim(first, job)
    async with open_store(url) as second:
        assert await second.get(job.id) == claimed
        assert await outcomes(second, job) == [None]


async def test_ping_returns_while_the_database_answers(store: SqlJobStore) -> None:
    await store.ping()


async def test_a_check_for_writes_returns_and_changes_nothing(store: SqlJobStore) -> None:
    job = await make_job(store)
    await store.check_writable()
    assert await store.get(job.id) == job


async def test_unfinished_jobs_are_counted_by_state_with_the_oldest_waiting_one(
    store: SqlJobStore,
) -> None:
    assert await store.unfinished(limit=10) == Unfinished()
    # Given one job of each state; the oldest is running or has ended
    await claim(store, await make_job(store, now=1.0))
    await store.cancel((await make_job(store, now=2.0)).id, now=3.0)
    retried = await claim(store, await make_job(store, now=4.0))
    assert retried is not None
    await store.fail(retried.id, retried.attempt, "reason", final=False, now=5.0)
    await make_job(store, now=6.0)
    await make_job(store, now=7.0)
    # Then
    assert await store.unfinished(limit=10) == Unfinished(
        pending=2, retry=1, started=1, oldest_waiting=4.0
    )
    # And a limit returns the oldest
    assert await store.unfinished(limit=2) == Unfinished(retry=1, started=1, oldest_waiting=4.0)


@pytest.mark.parametrize("engine", list(EngineChoice))
async def test_a_job_keeps_where_it_is_to_be_computed(
    store: SqlJobStore, engine: EngineChoice
) -> None:
    job = await make_job(store, input_size=1, engine=engine)
    assert (job.engine, await store.get(job.id)) == (engine, job)
    # Small jobs run on no cluster.
    assert job.small == (engine != "spark")
    assert (await make_job(store)).engine == "auto"
