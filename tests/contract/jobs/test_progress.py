"""The progress of an attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.jobs.job import JobProgress
from tests.contract.job_stores import make_job, result_of
from tests.contract.jobs.steps import claim

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


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
