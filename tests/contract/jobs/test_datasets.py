"""Jobs are asked of uploads that are there; uploads are listed and removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import upload_key
from shared.errors import InputRemoved, UploadInUse
from shared.jobs.dataset import Dataset
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import JobState
from shared.jobs.job_input import JobInput
from shared.jobs.job_request import JobRequest
from tests.aggregations import sum_of
from tests.contract.job_stores import make_job, open_store, result_of
from tests.contract.jobs.steps import claim

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

ACME = Tenant("acme")
SPEC = sum_of(1, group_by=(0,), header=("a", "sum"))


def input_of(upload_id: UUID, name: str = "plays.csv", *, version: str = "1-1") -> JobInput:
    return JobInput(upload_id, upload_key(upload_id), name, 40, version, "ab" * 32)


def request_of(
    *inputs: JobInput, job_id: UUID | None = None, tenant: Tenant = DEFAULT_TENANT
) -> JobRequest:
    return JobRequest(job_id or uuid4(), inputs, SPEC, "a name", 3, "0" * 64, tenant)


async def asked(store: SqlJobStore, *upload_ids: UUID, now: float = 5.0) -> Job:
    return await store.ask(request_of(*map(input_of, upload_ids)), now=now)


async def test_a_job_that_was_asked_for_is_read_as_it_was_created(store: SqlJobStore) -> None:
    inputs = (input_of(uuid4(), "ä \0.csv"), input_of(uuid4()), input_of(uuid4()))
    request = request_of(*inputs)
    job = await store.ask(request, now=7.0)
    assert job == await store.get(request.id)
    assert (job.state, job.upload_id, job.inputs) == (JobState.PENDING, None, inputs)
    assert (job.filename, job.aggregation, job.created_at) == ("a name", SPEC, 7.0)
    assert (job.input_size, job.small, job.cache) == (120, True, True)
    assert (job.request_digest, job.max_attempts) == ("0" * 64, 3)
    started = await claim(store, job)
    assert started is not None
    assert started.inputs == inputs


async def test_a_job_that_was_asked_for_keeps_where_it_is_to_be_computed(
    store: SqlJobStore,
) -> None:
    request = replace(request_of(input_of(uuid4())), engine=EngineChoice.SPARK)
    job = await store.ask(request, now=7.0)
    assert (job.engine, job.small) == ("spark", False)
    assert await store.get(job.id) == job


async def test_a_request_has_one_job_also_after_concurrent_calls(url: str) -> None:
    request = request_of(input_of(uuid4()))
    async with open_store(url) as one, open_store(url) as other:
        jobs = await asyncio.gather(
            *(store.ask(request, now=float(n)) for n, store in enumerate((one, other) * 10))
        )
    assert len({job.created_at for job in jobs}) == 1


async def test_any_number_of_jobs_is_asked_of_an_upload_that_has_its_own(
    store: SqlJobStore,
) -> None:
    own = await make_job(store)
    jobs = [await asked(store, own.inputs[0].upload_id) for _ in range(3)]
    assert len({job.id for job in jobs}) == 3
    assert await store.of_upload(own.inputs[0].upload_id) == own


async def test_an_upload_may_be_read_twice_by_one_job(store: SqlJobStore) -> None:
    upload_id = uuid4()
    job = await asked(store, upload_id, upload_id)
    assert [each.upload_id for each in job.inputs] == [upload_id, upload_id]


async def test_an_upload_is_needed_until_each_job_that_reads_it_has_expired(
    store: SqlJobStore,
) -> None:
    own = await make_job(store)
    upload_id, other, unknown = own.inputs[0].upload_id, uuid4(), uuid4()
    job = await asked(store, other, upload_id)

    async def needed() -> set[UUID]:
        return set(await store.datasets.needed([upload_id, unknown, other], now=100.0))

    assert await needed() == {upload_id, other}
    await store.cancel(own.id, now=20.0)
    await store.expire(finished_before=0.0, now=21.0, limit=9)
    assert await needed() == {upload_id, other}
    taken = await claim(store, job)
    assert taken is not None
    await store.succeed(job.id, 1, result_of(job.id, 1), now=30.0)
    assert await needed() == {upload_id, other}
    await store.expire(finished_before=31.0, now=60.0, limit=9)
    assert await needed() == set()
    assert await store.datasets.needed([], now=1.0) == set()


async def test_an_upload_is_not_removed_while_a_job_that_has_not_ended_reads_it(
    store: SqlJobStore,
) -> None:
    own = await make_job(store)
    upload_id = own.inputs[0].upload_id
    job = await asked(store, upload_id)
    assert not await store.datasets.remove(upload_id, unless_needed=True, now=6.0)
    with pytest.raises(UploadInUse, match=str(upload_id)):
        await store.datasets.remove(upload_id, unless_needed=False, now=6.0)
    with pytest.raises(UploadInUse):
        await store.datasets.check_unread(upload_id)
    await store.cancel(job.id, now=7.0)
    await store.datasets.check_unread(upload_id)
    assert await store.datasets.remove(upload_id, unless_needed=True, now=8.0)


async def test_no_job_is_asked_of_an_upload_that_is_being_removed(store: SqlJobStore) -> None:
    own = await make_job(store)
    upload_id = own.inputs[0].upload_id
    assert await store.datasets.remove(upload_id, unless_needed=True, now=6.0)
    with pytest.raises(InputRemoved):
        await store.ask(request_of(replace(input_of(upload_id), version=None)), now=7.0)


async def test_the_same_upload_sent_again_can_be_asked_again(store: SqlJobStore) -> None:
    upload_id = uuid4()
    first = request_of(input_of(upload_id, version="1-1"))
    await store.cancel((await store.ask(first, now=1.0)).id, now=2.0)
    await store.datasets.remove(upload_id, unless_needed=False, now=3.0)
    with pytest.raises(InputRemoved):
        await store.ask(replace(first, id=uuid4()), now=4.0)
    again = await store.ask(request_of(input_of(upload_id, version="2-1")), now=5.0)
    assert again.state is JobState.PENDING
    dataset = await store.datasets.get(upload_id)
    assert dataset is not None
    assert (dataset.version, dataset.removed_at) == ("2-1", None)


async def test_of_an_ask_and_a_removal_at_the_same_time_exactly_one_wins(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        for _ in range(20):
            own = await make_job(one)
            upload_id = own.inputs[0].upload_id
            given = replace(input_of(upload_id), version=own.inputs[0].version)
            asking, removal = await asyncio.gather(
                one.ask(request_of(given), now=5.0),
                other.datasets.remove(upload_id, unless_needed=True, now=5.0),
                return_exceptions=True,
            )
            if removal is True:
                assert isinstance(asking, InputRemoved)
            else:
                assert removal is False
                assert not isinstance(asking, BaseException)


async def test_uploads_are_listed_newest_first_page_by_page(store: SqlJobStore) -> None:
    own = [await make_job(store, now=float(n), filename=f"{n % 2}.csv") for n in range(6)]
    recorded = Dataset(uuid4(), DEFAULT_TENANT, own[0].inputs[0].key, "1.csv", 9, "1-1", None, 2.5)
    await store.datasets.record(recorded)
    await store.datasets.record(replace(recorded, name="ignored"))
    await store.ask(request_of(*own[3].inputs), now=50.0)
    await make_job(store, tenant=ACME, now=3.5)
    await store.cancel(own[1].id, now=60.0)
    ids = [own[n].inputs[0].upload_id for n in (5, 4, 3, 2, 0)]
    ids.insert(3, recorded.upload_id)
    found: list[Dataset] = []
    while True:
        after = found[-1].position if found else None
        page = await store.datasets.listed(DEFAULT_TENANT, after=after, limit=2)
        found += page
        if len(page) < 2:
            break
    assert [each.upload_id for each in found] == ids
    assert found[3] == recorded
    assert (found[0].name, found[0].size, found[0].created_at) == ("1.csv", 1 << 40, 5.0)
    named = await store.datasets.listed(DEFAULT_TENANT, name="1.csv", limit=9)
    assert [each.created_at for each in named] == [5.0, 3.0, 2.5]


async def test_a_removed_upload_is_not_listed(store: SqlJobStore) -> None:
    kept, removed = await make_job(store), await make_job(store)
    await store.datasets.remove(removed.inputs[0].upload_id, unless_needed=True, now=6.0)
    found = await store.datasets.listed(DEFAULT_TENANT, limit=9)
    assert [each.upload_id for each in found] == [kept.inputs[0].upload_id]
