"""Who creates, cancels and retries a job is recorded in the transaction that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.access.acting import Acting, acts_as
from shared.access.audit import AuditFilter
from shared.access.tenant import Tenant
from shared.errors import JobNotFound
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job
from tests.contract.jobs.steps import bring

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.store import SqlJobStore

WHO = Acting(Tenant("acme"), "k1", "10.0.0.1")


async def acts(store: SqlJobStore, job_id: UUID) -> list[tuple[str, str, str | None, float]]:
    found = await store.access.audit.entries(AuditFilter(object=str(job_id)), limit=9)
    assert {(each.tenant, each.address) for each in found} <= {("acme", "10.0.0.1")}
    return [(str(each.action), each.object, each.key_id, each.at) for each in reversed(found)]


async def test_a_job_that_is_created_and_cancelled_is_recorded_once(store: SqlJobStore) -> None:
    upload_id = uuid4()
    with acts_as(WHO):
        job = await make_job(store, upload_id=upload_id, now=5.0)
        assert await make_job(store, upload_id=upload_id, now=6.0) == job
        for now in (7.0, 8.0):
            await store.cancel(job.id, now=now)
        with pytest.raises(JobNotFound):
            await store.cancel(uuid4(), now=9.0)
    assert await acts(store, job.id) == [
        ("job.created", str(job.id), "k1", 5.0),
        ("job.cancelled", str(job.id), "k1", 7.0),
    ]


async def test_a_retry_is_recorded_if_it_takes_place(store: SqlJobStore) -> None:
    job = await make_job(store, max_attempts=1)
    claimed = await store.claim(job.id, worker="w", lease_until=10.0, now=1.0)
    assert claimed is not None
    await store.fail(job.id, claimed.attempt, "x", final=True, now=2.0)
    with acts_as(WHO):
        assert await store.retry(job.id) is not None
        assert await store.retry(job.id) is None
    assert [action for action, *_ in await acts(store, job.id)] == ["job.retried"]


async def test_a_result_that_is_deleted_is_recorded_once(store: SqlJobStore) -> None:
    job = await bring(store, await make_job(store), JobState.SUCCESS)
    with acts_as(WHO):
        for now in (7.0, 8.0):
            await store.delete_result(job.id, now=now)
    assert await acts(store, job.id) == [("result.deleted", str(job.id), "k1", 7.0)]


async def test_where_nobody_acts_nothing_is_recorded(store: SqlJobStore) -> None:
    job = await make_job(store)
    await store.cancel(job.id, now=1.0)
    assert await acts(store, job.id) == []
