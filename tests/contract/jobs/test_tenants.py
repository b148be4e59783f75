"""Jobs of several tenants in one store."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.database import connect
from shared.errors import JobNotFound
from shared.jobs.job import JobFilter, JobPosition, JobState
from tests.contract.job_stores import make_job, open_store
from tests.contract.jobs.steps import bring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

ACME = Tenant("acme")
OTHER = Tenant("acme-2")


async def test_a_job_belongs_to_the_tenant_that_it_was_created_for(store: SqlJobStore) -> None:
    job = await make_job(store, tenant=ACME)
    assert job.tenant == ACME
    assert await store.get(job.id, tenant=ACME) == job
    assert await store.of_upload(job.inputs[0].upload_id, tenant=ACME) == job


async def test_a_job_is_of_the_default_tenant_unless_another_is_named(store: SqlJobStore) -> None:
    job = await make_job(store)
    assert job.tenant == DEFAULT_TENANT == "default"
    assert await store.get(job.id, tenant=DEFAULT_TENANT) == job


CALLS: dict[str, Callable[[SqlJobStore, Job, Tenant], Awaitable[object]]] = {
    "get": lambda store, job, tenant: store.get(job.id, tenant=tenant),
    "cancel": lambda store, job, tenant: store.cancel(job.id, now=9.0, tenant=tenant),
    "retry": lambda store, job, tenant: store.retry(job.id, tenant=tenant),
}


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("call", CALLS)
async def test_another_tenant_finds_a_job_as_little_as_one_that_does_not_exist(
    store: SqlJobStore, call: str, state: JobState
) -> None:
    job = await bring(store, await make_job(store, tenant=ACME), state)
    for tenant in (OTHER, DEFAULT_TENANT):
        with pytest.raises(JobNotFound, match=str(job.id)):
            await CALLS[call](store, job, tenant)
    assert await store.get(job.id) == job


async def test_another_tenant_finds_no_job_of_an_upload(store: SqlJobStore) -> None:
    job = await make_job(store, tenant=ACME)
    assert await store.of_upload(job.inputs[0].upload_id, tenant=OTHER) is None
    assert await store.of_upload(uuid4(), tenant=OTHER) is None


async def test_a_tenant_cancels_and_retries_its_jobs(store: SqlJobStore) -> None:
    failed = await bring(store, await make_job(store, tenant=ACME), JobState.FAILURE)
    retried = await store.retry(failed.id, tenant=ACME)
    assert retried is not None
    assert retried.state is JobState.RETRY
    assert (await store.cancel(failed.id, now=9.0, tenant=ACME)).state is JobState.REVOKED


async def test_a_list_has_the_jobs_of_one_tenant(store: SqlJobStore) -> None:
    tenants = (ACME, OTHER, DEFAULT_TENANT)
    jobs = [
        await bring(store, await make_job(store, tenant=tenants[number % 3], now=number / 4), state)
        for number, state in enumerate(list(JobState) * 3)
    ]
    for tenant in tenants:
        own = [job for job in reversed(jobs) if job.tenant == tenant]
        for name in (None, "plays.csv"):
            wanted = JobFilter(tenant=tenant, filename=name)
            assert await store.newest(wanted, limit=99) == own
            # A position may be that of another tenant's job.
            middle = jobs[9]
            after = JobPosition(middle.created_at, middle.id)
            expected = [job for job in own if job.created_at < middle.created_at]
            assert await store.newest(wanted, after=after, limit=99) == expected
    assert await store.newest(JobFilter(tenant=Tenant("nobody")), limit=99) == []


async def test_processors_see_the_jobs_of_all_tenants(store: SqlJobStore) -> None:
    jobs = [await make_job(store, tenant=tenant) for tenant in (ACME, OTHER, DEFAULT_TENANT)]
    due = await store.overdue(now=9.0, unpublished_for=1.0, lost_before=0.0, limit=9)
    assert {wake_up.job_id for wake_up in due} == {job.id for job in jobs}
    for job in jobs:
        assert await store.get(job.id) == job
        claimed = await store.claim(job.id, worker="w", lease_until=99.0, now=9.0)
        assert claimed is not None
        assert claimed.tenant == job.tenant
    assert set(await store.get_many([job.id for job in jobs])) == {job.id for job in jobs}


async def test_a_head_start_belongs_to_the_tenant_of_its_upload(store: SqlJobStore) -> None:
    upload_id = uuid4()
    await store.head_starts.offer(upload_id, tenant=ACME, now=1.0)
    taken = await store.head_starts.take(worker="w", held_until=9.0, now=2.0)
    assert taken is not None
    assert (taken.upload_id, taken.tenant) == (upload_id, ACME)


async def test_rows_of_a_version_that_knows_no_tenants_are_of_the_default_one(url: str) -> None:
    job_id, upload_id = uuid4(), uuid4()
    async with open_store(url) as store:
        await make_job(store)
        database = await connect(url)
        try:
            (known,) = await database.read("SELECT aggregation FROM jobs")
            await database.write(
                "INSERT INTO jobs (id, upload_id, input_key, input_size, filename, aggregation,"
                " max_attempts, created_at, state, attempt, failures)"
                " VALUES ($1, $2, 'uploads/u', 1, 'plays.csv', $3, 3, 0.0, 'PENDING', 0, 0)",
                str(job_id),
                str(upload_id),
                known["aggregation"],
            )
            await database.write(
                "INSERT INTO head_starts (upload_id, offered_at, token) VALUES ($1, 1.0, 0)",
                str(upload_id),
            )
        finally:
            await database.close()
        assert (await store.get(job_id, tenant=DEFAULT_TENANT)).tenant == DEFAULT_TENANT
        head_start = await store.head_starts.of_upload(upload_id)
        assert head_start is not None
        assert head_start.tenant == DEFAULT_TENANT
