"""The contract of the job store, on each database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.blobs.blob import rejects_key
from shared.database import connect
from shared.errors import JobNotFound, LeaseLost
from shared.jobs.job import Job, JobProgress, JobRejects, JobState, Unfinished
from tests.aggregations import sum_of
from tests.contract.job_stores import BACKENDS, make_job, open_store, report_of, result_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from shared.jobs.store import SqlJobStore

    Reach = Callable[[SqlJobStore, Job], Awaitable[None]]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlJobStore]:
    async with open_store(url) as store:
        yield store


async def claim(
    store: SqlJobStore, job: Job, *, now: float = 1.0, lease_until: float = 10.0
) -> Job | None:
    return await store.claim(job.id, worker="worker-1", lease_until=lease_until, now=now)


async def outcomes(store: SqlJobStore, job: Job) -> list[str | None]:
    return [attempt.outcome for attempt in await store.attempts(job.id)]


async def test_a_job_is_read_as_it_was_created(store: SqlJobStore) -> None:
    aggregation = sum_of(7, group_by=(3, 0), header=("é,", '"quoted"', "sum"))
    upload_id = uuid4()
    job = await store.create(
        upload_id=upload_id,
        input_key=(await make_job(store, upload_id=uuid4())).input_key,
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


async def test_any_number_of_jobs_is_found_by_their_ids(store: SqlJobStore) -> None:
    jobs = [await make_job(store) for _ in range(19)]
    for number in range(1, len(jobs) + 1):
        some = jobs[:number]
        assert await store.get_many([job.id for job in some]) == {job.id: job for job in some}


HALF = JobProgress(bytes_done=1 << 39, rows_done=1 << 33, rate=1.5e9, rows_estimated=True)


async def test_the_progress_of_the_running_attempt_is_shown(store: SqlJobStore) -> None:
    job = await make_job(store)
    claimed = await claim(store, job)
    assert claimed is not None
    assert claimed.progress is None
    assert await store.record_progress(job.id, 1, HALF)
    assert await store.get(job.id) == replace(claimed, progress=HALF)
    little = JobProgress(bytes_done=7)
    assert await store.record_progress(job.id, 1, little)
    assert await store.get(job.id) == replace(claimed, progress=little)


async def test_a_new_attempt_starts_without_progress_and_a_late_one_records_none(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job, now=1.0, lease_until=2.0)
    await store.record_progress(job.id, 1, HALF)
    second = await claim(store, job, now=3.0)
    assert second is not None
    assert second.progress is None
    assert not await store.record_progress(job.id, 1, HALF)
    assert await store.get(job.id) == second


async def test_progress_neither_renews_nor_shortens_a_lease(store: SqlJobStore) -> None:
    job = await make_job(store)
    await claim(store, job, now=1.0, lease_until=10.0)
    await store.record_progress(job.id, 1, HALF)
    assert (await store.get(job.id)).lease_until == 10.0
    assert await claim(store, job, now=9.0) is None
    assert await claim(store, job, now=11.0) is not None


@pytest.mark.parametrize("end", ["cancelled", "failed", "released", "done"])
async def test_progress_of_an_attempt_that_has_ended_changes_nothing(
    store: SqlJobStore, end: str
) -> None:
    job = await make_job(store)
    assert not await store.record_progress(job.id, 0, HALF)
    await claim(store, job)
    if end == "cancelled":
        await store.cancel(job.id, now=2.0)
    elif end == "failed":
        await store.fail(job.id, 1, "disk full", final=False, now=2.0)
    elif end == "released":
        await store.release(job.id, 1, "shutdown", now=2.0)
    else:
        await store.succeed(job.id, 1, result_of(job.id, 1), now=2.0)
    before = await store.get(job.id)
    assert not await store.record_progress(job.id, 1, HALF)
    assert await store.get(job.id) == before


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
    for now, overdue in ((49.0, []), (50.0, [job.id])):
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


async def test_success_records_the_report_of_its_attempt(store: SqlJobStore) -> None:
    job = await make_job(store)
    assert job.report is None
    await claim(store, job)
    await store.fail(job.id, 1, "no memory", final=False, now=2.0)
    await claim(store, job, now=3.0)
    await store.succeed(job.id, 2, result_of(job.id, 2), now=4.0, report=report_of(2))
    assert (await store.get(job.id)).report == report_of(2)
    # A repetition changes nothing
    await store.succeed(job.id, 2, result_of(job.id, 2), now=5.0, report=report_of(9))
    assert (await store.get(job.id)).report == report_of(2)


async def test_the_report_of_a_failure_is_kept_until_the_next_attempt_starts(
    store: SqlJobStore,
) -> None:
    job = await make_job(store)
    await claim(store, job)
    failed = await store.fail(job.id, 1, "bad", final=True, now=2.0, report=report_of(1))
    assert failed.report == report_of(1)
    retried = await store.retry(job.id)
    assert retried is not None
    assert retried.report == report_of(1)
    claimed = await claim(store, job, now=3.0)
    assert claimed is not None
    assert claimed.report is None
    # A failure that does not concern the file has no report
    failed = await store.fail(job.id, 2, "no memory", final=True, now=4.0)
    assert failed.report is None


async def test_a_report_is_shown_only_for_its_attempt(url: str, store: SqlJobStore) -> None:
    job = await make_job(store)
    await claim(store, job)
    await store.fail(job.id, 1, "bad", final=True, now=2.0, report=report_of(1))
    await store.retry(job.id)
    # An older version, without reports, claims the job and ends it
    database = await connect(url)
    try:
        await database.write(
            "UPDATE jobs SET state = 'FAILURE', attempt = 2, finished_at = 3 WHERE id = $1",
            str(job.id),
        )
    finally:
        await database.close()
    assert (await store.get(job.id)).report is None


@pytest.mark.parametrize(
    "wrong",
    [
        "report_rows_in = 6",
        "report_rows_in = NULL",
        "report_rows_aggregated = NULL",
        "report_rows_filtered = NULL",
        "report_rows_rejected = NULL",
        "report_attempt = NULL",
        "report_rows_filtered = -1, report_rows_in = report_rows_in - 2",
    ],
)
async def test_the_database_refuses_a_report_whose_rows_do_not_add_up(
    url: str, store: SqlJobStore, wrong: str
) -> None:
    job = await make_job(store)
    await claim(store, job)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=2.0, report=report_of(1))
    database = await connect(url)
    try:
        with pytest.raises(Exception, match="jobs_rows_add_up"):
            await database.write(
                f"UPDATE jobs SET {wrong} WHERE id = $1",  # noqa: S608
                str(job.id),
            )
    finally:
        await database.close()
    assert (await store.get(job.id)).report == report_of(1)


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


async def leave_pending(store: SqlJobStore, job: Job) -> None:
    assert (await store.get(job.id)).state is JobState.PENDING


async def start(store: SqlJobStore, job: Job) -> None:
    await claim(store, job)


async def fail_and_retry(store: SqlJobStore, job: Job) -> None:
    await claim(store, job)
    await store.fail(job.id, 1, "once", final=False, now=2.0)


async def finish(store: SqlJobStore, job: Job) -> None:
    await claim(store, job)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=2.0)


async def fail_finally(store: SqlJobStore, job: Job) -> None:
    await claim(store, job)
    await store.fail(job.id, 1, "bad", final=True, now=2.0)


async def revoke(store: SqlJobStore, job: Job) -> None:
    await store.cancel(job.id, now=2.0)


@pytest.mark.parametrize("reach", [leave_pending, start, fail_and_retry])
async def test_a_job_that_is_not_finished_can_be_cancelled(
    store: SqlJobStore, reach: Reach
) -> None:
    job = await make_job(store)
    await reach(store, job)
    attempts = len(await store.attempts(job.id))
    cancelled = await store.cancel(job.id, now=5.0)
    assert (cancelled.state, cancelled.finished_at) == (JobState.REVOKED, 5.0)
    assert await store.get(job.id) == cancelled
    assert await claim(store, job, now=99.0) is None
    if reach is start:
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
    await fail_and_retry(store, job)
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


@pytest.mark.parametrize("reach", [leave_pending, start, fail_and_retry, finish, revoke])
async def test_only_a_failed_job_can_be_retried(store: SqlJobStore, reach: Reach) -> None:
    job = await make_job(store)
    await reach(store, job)
    before = await store.get(job.id)
    assert await store.retry(job.id) is None
    assert await store.get(job.id) == before


async def test_a_failed_job_that_has_expired_is_not_retried(store: SqlJobStore) -> None:
    job = await make_job(store)
    await fail_finally(store, job)
    assert await store.expire(finished_before=9.0, now=10.0, limit=9) == 1
    before = await store.get(job.id)
    assert await store.retry(job.id) is None
    assert await store.get(job.id) == before


async def test_one_of_many_concurrent_retries_succeeds(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        job = await make_job(one)
        await fail_finally(one, job)
        answers = await asyncio.gather(*(store.retry(job.id) for store in (one, other) * 5))
    assert sum(answer is not None for answer in answers) == 1


async def test_a_job_is_found_by_its_upload(store: SqlJobStore) -> None:
    job = await make_job(store)
    assert await store.of_upload(job.upload_id) == job
    assert await store.of_upload(uuid4()) is None


@pytest.mark.parametrize("reach", [finish, fail_finally, revoke])
async def test_no_call_changes_a_finished_job(store: SqlJobStore, reach: Reach) -> None:
    job = await make_job(store)
    await reach(store, job)
    finished = await store.get(job.id)
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


async def overdue(store: SqlJobStore, now: float, limit: int = 9) -> Sequence[UUID]:
    return await store.overdue(now=now, unpublished_for=10.0, lost_before=now - 100.0, limit=limit)


async def test_a_waiting_job_without_a_wake_up_is_overdue_after_a_while(
    store: SqlJobStore,
) -> None:
    job = await make_job(store, now=100.0)
    assert await overdue(store, 109.0) == []
    assert await overdue(store, 110.0) == [job.id]


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


async def test_committed_changes_are_visible_after_reopening_the_database(url: str) -> None:
    async with open_store(url) as first:
        job = await make_job(first)
        claimed = await claim(first, job)
    async with open_store(url) as second:
        assert await second.get(job.id) == claimed
        assert await outcomes(second, job) == [None]


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


async def test_ping_returns_while_the_database_answers(store: SqlJobStore) -> None:
    await store.ping()


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
