"""The reports of attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.database import connect
from tests.contract.job_stores import make_job, report_of, result_of
from tests.contract.jobs.steps import claim

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


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
