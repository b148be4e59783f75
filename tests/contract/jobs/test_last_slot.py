"""The last free slot of a processor is for tenants that run no job of that size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.jobs.job import JobState
from tests.contract.jobs.turns import (
    LARGE,
    NOW,
    SMALL,
    A,
    B,
    claim_next,
    claimed,
    make_jobs,
    make_published,
)

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore


async def test_the_last_slot_is_of_the_only_tenant_whatever_it_runs(store: SqlJobStore) -> None:
    running, waiting = await make_jobs(store, A, 2, size=LARGE)
    await claimed(store, running)
    taken = await claim_next(store, waiting, last_slot=True)
    assert taken is not None
    assert taken.job.id == waiting.id


async def test_the_last_slot_is_not_for_a_tenant_that_runs_a_job_if_there_is_another(
    store: SqlJobStore,
) -> None:
    running, waiting = await make_jobs(store, A, 2, size=LARGE)
    await claimed(store, running)
    (one,) = await make_jobs(store, B, 1, size=LARGE)
    taken = await claim_next(store, waiting, last_slot=True)
    assert taken is not None
    assert taken.job.id == one.id
    assert await claim_next(store, waiting, last_slot=True) is None
    assert (await store.get(waiting.id)).state is JobState.PENDING
    # A slot that is not the last
    assert (await claimed(store, waiting)).id == waiting.id


async def test_small_jobs_that_run_take_no_last_slot_of_the_others(store: SqlJobStore) -> None:
    await make_jobs(store, B, 1, size=SMALL)
    (small,) = await make_jobs(store, A, 1, size=SMALL)
    (large,) = await make_jobs(store, A, 1, size=LARGE)
    await store.claim(small.id, worker="worker-1", lease_until=NOW + 15, now=NOW)
    taken = await claim_next(store, large, last_slot=True)
    assert taken is not None
    assert taken.job.id == large.id


async def test_a_job_whose_last_attempt_is_lost_ends_although_only_the_last_slot_is_free(
    store: SqlJobStore,
) -> None:
    job = await make_published(store, A, max_attempts=1)
    await claimed(store, job)
    await make_jobs(store, B, 1, size=LARGE)
    first = await claim_next(store, job, now=NOW + 60, last_slot=True)
    assert first is not None
    assert first.job.tenant == B
    await claim_next(store, job, now=NOW + 60, last_slot=True)
    assert (await store.get(job.id)).state is JobState.FAILURE


async def test_a_lost_job_whose_wake_up_the_last_slot_spends_on_another_is_woken_again(
    store: SqlJobStore,
) -> None:
    lost = await make_published(store, A)
    await claimed(store, lost)
    (one,) = await make_jobs(store, B, 1, size=LARGE)
    await store.mark_published(lost.id, NOW + 50)  # by the relay
    taken = await claim_next(store, lost, now=NOW + 60, last_slot=True)
    assert taken is not None
    assert taken.job.id == one.id
    (due,) = await store.overdue(now=NOW + 60, unpublished_for=15.0, lost_before=0.0, limit=9)
    assert due.job_id == lost.id
    assert (await claimed(store, lost, NOW + 60)).id == lost.id
