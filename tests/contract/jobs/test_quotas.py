"""What tenants use is counted from their jobs and uploads, and reserved up to their limits."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.access.audit import Action, AuditEntry, AuditFilter
from shared.access.limits import Limits, Refusal, TenantSettings, Usage
from shared.access.tenant import Tenant
from shared.blobs.blob import upload_key
from shared.database import connect
from shared.jobs.dataset import Dataset
from shared.jobs.job import JobRejects, JobState
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.steps import bring, claim

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore

ACME, OTHER = Tenant("acme"), Tenant("other")
NONE = Limits()


async def reserve(
    store: SqlJobStore,
    size: int,
    limits: Limits = NONE,
    *,
    upload_id: UUID | None = None,
    tenant: Tenant = ACME,
    stored: int = 0,
) -> Refusal | None:
    return await store.access.quotas.reserve(
        upload_id or uuid4(), tenant, size, limits, stored=stored, now=1.0
    )


async def usage(store: SqlJobStore, tenant: Tenant = ACME) -> Usage:
    return await store.access.quotas.usage_of(tenant, most_waiting=9)


async def test_a_tenant_has_no_limits_of_its_own_unless_the_table_has_some(
    store: SqlJobStore, url: str
) -> None:
    assert await store.access.quotas.limits_of(ACME) == Limits()
    database = await connect(url)
    await database.write(
        "INSERT INTO tenants (tenant, max_bytes, max_uploads, max_upload_size, max_waiting,"
        " requests_per_second) VALUES ($1, 5, 4, 3, 2, 1.5)",
        ACME,
    )
    await database.close()
    own = await store.access.quotas.limits_of(ACME)
    assert own == Limits(5, 4, 3, 2, 1.5)
    assert await store.access.quotas.limits_of(OTHER) == Limits()


async def test_inputs_results_and_rejects_of_kept_jobs_are_counted(store: SqlJobStore) -> None:
    job = await make_job(store, tenant=ACME, input_size=1000)
    await make_job(store, tenant=OTHER, input_size=1)
    assert await usage(store) == Usage(stored=1000, waiting=1)
    await claim(store, job)
    result = replace(
        result_of(job.id, 1), size=30, rejects=JobRejects(job.inputs[0].key, 4, "0" * 64)
    )
    await store.succeed(job.id, 1, result, now=2.0)
    assert await usage(store) == Usage(stored=1034)
    await make_job(store, tenant=ACME, input_size=500)
    await store.delete_result(job.id, now=3.0)
    assert await usage(store) == Usage(stored=1500, waiting=1)
    await store.expire(finished_before=9.0, now=10.0, limit=9)
    assert await usage(store) == Usage(stored=500, waiting=1)


async def test_a_cancelled_job_stores_nothing_and_does_not_wait(store: SqlJobStore) -> None:
    job = await make_job(store, tenant=ACME, input_size=1000)
    await bring(store, job, JobState.REVOKED)
    assert await usage(store) == Usage()


async def test_no_more_waiting_jobs_are_counted_than_asked_for(store: SqlJobStore) -> None:
    for _ in range(4):
        await make_job(store, tenant=ACME)
    assert (await store.access.quotas.usage_of(ACME, most_waiting=3)).waiting == 3


async def test_declared_bytes_count_before_they_arrive(store: SqlJobStore) -> None:
    limits = Limits(max_bytes=100)
    assert await reserve(store, 60, limits, stored=10) is None
    assert await reserve(store, 31, limits, stored=10) == Refusal("max_bytes", 70)
    assert await reserve(store, 30, limits, stored=10) is None
    assert await reserve(store, 100, limits, tenant=OTHER) is None
    assert await usage(store) == Usage(reserved=90, uploads=2)


async def test_an_upload_is_reserved_once_with_its_larger_size(store: SqlJobStore) -> None:
    upload, limits = uuid4(), Limits(max_uploads=1, max_bytes=100)
    for size in (10, 50, 20):
        assert await reserve(store, size, limits, upload_id=upload) is None
    assert await usage(store) == Usage(reserved=50, uploads=1)
    assert await reserve(store, 101, limits, upload_id=upload) == Refusal("max_bytes", 0)
    assert await reserve(store, 1, limits) == Refusal("max_uploads", 1)
    await store.access.quotas.release(upload)
    assert await reserve(store, 1, limits) is None


async def test_an_upload_that_has_become_a_job_is_not_counted_twice(store: SqlJobStore) -> None:
    upload, limits = uuid4(), Limits(max_uploads=1)
    await reserve(store, 10, limits, upload_id=upload)
    await make_job(store, tenant=ACME, upload_id=upload, input_size=10)
    assert await usage(store) == Usage(stored=10, waiting=1)
    assert await reserve(store, 1, limits) is None


async def test_concurrent_uploads_get_no_more_than_the_limit(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(3)]
        limits = Limits(max_uploads=5, max_bytes=45)
        refusals = await asyncio.gather(
            *(reserve(stores[number % 3], 10, limits) for number in range(12))
        )
        assert refusals.count(None) == 4
        assert await usage(stores[0]) == Usage(reserved=40, uploads=4)


async def test_reservations_are_found_by_their_age(store: SqlJobStore) -> None:
    uploads = {uuid4() for _ in range(3)}
    for upload in uploads:
        await reserve(store, 1, upload_id=upload)
    found = [item async for item in store.access.quotas.reserved_before(1.5)]
    assert {upload for upload, _ in found} == uploads
    assert {tenant for _, tenant in found} == {ACME}
    assert [item async for item in store.access.quotas.reserved_before(1.0)] == []


async def test_settings_of_a_tenant_are_changed_one_by_one_and_recorded(store: SqlJobStore) -> None:
    quotas = store.access.quotas
    entry = AuditEntry(1.0, ACME, None, "local", Action.TENANT_CHANGED, ACME)
    await quotas.change(ACME, {"weight": 3, "max_bytes": 1 << 40}, entry)
    changed = await quotas.change(ACME, {"max_bytes": None, "max_uploads": 5}, replace_id(entry))
    assert changed == TenantSettings(ACME, weight=3, max_uploads=5)
    # A row that only locks a tenant has no settings
    await reserve(store, 1, tenant=OTHER)
    assert await quotas.settings() == [changed]
    assert await quotas.limits_of(ACME) == Limits(max_uploads=5)
    entries = await store.access.audit.entries(AuditFilter(), limit=9)
    assert [found.action for found in entries] == [Action.TENANT_CHANGED] * 2


def replace_id(entry: AuditEntry) -> AuditEntry:
    return replace(entry, id=uuid4())


async def test_an_upload_that_is_complete_without_a_job_is_no_longer_reserved(
    store: SqlJobStore,
) -> None:
    upload_id = uuid4()
    assert await reserve(store, 40, Limits(max_bytes=1000), upload_id=upload_id) is None
    assert (await usage(store)).bytes == 40
    dataset = Dataset(upload_id, ACME, upload_key(upload_id), "a.csv", 40, "1-1", None, 2.0)
    await store.datasets.record(dataset)
    used = await usage(store)
    assert (used.stored, used.reserved, used.uploads) == (40, 0, 0)
    await store.datasets.remove(upload_id, unless_needed=False, now=3.0)
    assert (await usage(store)).stored == 0
