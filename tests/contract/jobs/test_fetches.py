"""Fetches: taken by one processor at a time, and their jobs can be claimed once all are done."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.errors import LeaseLost
from shared.jobs.dataset import Dataset
from shared.jobs.fetch import FetchRequest
from shared.jobs.job import SONG_PLAYS, JobState
from shared.jobs.job_input import JobInput
from shared.jobs.job_request import JobRequest
from shared.uploads.keys import key_of

if TYPE_CHECKING:
    from shared.jobs.fetch import Fetch
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

DIGEST = "ab" * 32


async def asked(store: SqlJobStore, *urls: str, tenant: Tenant = DEFAULT_TENANT) -> Job:
    ids = [uuid4() for _ in urls]
    fetches = tuple(
        FetchRequest(each, i, key_of(each, tenant), f"{i}.csv", url, max_size=100)
        for i, (each, url) in enumerate(zip(ids, urls, strict=True))
    )
    inputs = tuple(
        JobInput(each.upload_id, each.key, each.name, 0, url=each.url) for each in fetches
    )
    request = JobRequest(
        uuid4(), inputs, SONG_PLAYS, "plays", 3, "cd" * 32, tenant, fetches=fetches
    )
    return await store.ask(request, now=100.0)


async def take(store: SqlJobStore, now: float = 100.0, worker: str = "a") -> Fetch | None:
    return await store.fetches.take(worker=worker, held_until=now + 10, now=now)


async def taken(store: SqlJobStore, now: float = 100.0, worker: str = "a") -> Fetch:
    fetch = await take(store, now, worker)
    assert fetch is not None
    return fetch


def dataset(fetch: Fetch, size: int = 7) -> Dataset:
    return Dataset(fetch.upload_id, fetch.tenant, fetch.key, fetch.name, size, "v1", DIGEST, 105.0)


async def claimed(store: SqlJobStore, job_id: UUID, now: float) -> Job | None:
    return await store.claim(job_id, worker="w", lease_until=now + 10, now=now)


async def test_a_job_waits_for_what_is_fetched_and_can_be_claimed_then(store: SqlJobStore) -> None:
    job = await asked(store, "https://example.com/a", "s3://bucket/b")
    assert (job.state, job.fetching) == (JobState.PENDING, True)
    assert not await store.overdue(now=1e9, unpublished_for=0, lost_before=1e9, limit=10)
    first, second = await taken(store), await taken(store)
    assert {first.url, second.url} == {"https://example.com/a", "s3://bucket/b"}

    assert await store.fetches.finish(dataset(first), first.token, now=106.0) is None
    done = await store.fetches.finish(dataset(second, 8), second.token, now=107.0)

    assert done is not None
    assert not done.fetching
    assert sorted(each.size for each in done.inputs) == [7, 8]
    assert {each.version for each in done.inputs} == {"v1"}
    assert {each.sha256 for each in done.inputs} == {DIGEST}
    found = await store.datasets.get(first.upload_id)
    assert found is not None
    assert found.size == 7
    assert await claimed(store, job.id, 108.0) is not None


async def test_a_fetch_has_one_holder_until_its_lease_has_run_out(store: SqlJobStore) -> None:
    await asked(store, "https://example.com/a")
    first = await taken(store, 100.0)
    assert await take(store, 109.0, "b") is None
    await store.fetches.renew(first.upload_id, first.token, held_until=120.0, bytes_done=3)
    assert await take(store, 119.0, "b") is None

    second = await taken(store, 121.0, "b")

    assert (second.token, second.bytes_done) == (first.token + 1, 3)
    for late in (
        store.fetches.renew(first.upload_id, first.token, held_until=130.0, bytes_done=4),
        store.fetches.identify(first.upload_id, first.token, tag=None, modified=None, size=9),
        store.fetches.finish(dataset(first), first.token, now=122.0),
        store.fetches.give_up(first.upload_id, first.token, "late", now=122.0),
        store.fetches.postpone(first.upload_id, first.token, due_at=0, failures=1, reason="x"),
    ):
        with pytest.raises(LeaseLost):
            await late


async def test_what_is_known_of_a_file_and_its_failures_is_kept(store: SqlJobStore) -> None:
    job = await asked(store, "https://example.com/a")
    first = await taken(store)
    await store.fetches.identify(first.upload_id, first.token, tag='"t"', modified="then", size=9)
    await store.fetches.renew(first.upload_id, first.token, held_until=120.0, bytes_done=4)
    await store.fetches.postpone(
        first.upload_id, first.token, due_at=130.0, failures=2, reason="away"
    )
    seen = await store.get(job.id)
    assert (seen.input_size, seen.reason, seen.fetching) == (9, "away", True)
    assert seen.progress is not None
    assert seen.progress.bytes_done == 4
    assert await take(store, 129.0) is None

    again = await taken(store, 130.0)

    assert (again.tag, again.modified, again.size) == ('"t"', "then", 9)
    assert (again.failures, again.max_size, again.bytes_done) == (2, 100, 4)


async def test_a_file_that_cannot_be_had_ends_the_others_and_releases_the_job(
    store: SqlJobStore,
) -> None:
    job = await asked(store, "https://example.com/a", "https://example.com/b")
    first = await taken(store)

    released = await store.fetches.give_up(first.upload_id, first.token, "404", now=101.0)

    assert released is not None
    assert not released.fetching
    assert await store.fetches.failure_of(job.id) == "404"
    assert await take(store, 200.0) is None
    assert await claimed(store, job.id, 201.0) is not None

    await store.fail(job.id, 1, "404", final=True, now=202.0)
    retried = await store.retry(job.id)
    assert retried is not None
    assert retried.fetching
    assert await store.fetches.failure_of(job.id) is None
    assert len([await taken(store, 1e10), await taken(store, 1e10)]) == 2


async def test_the_fetches_of_a_cancelled_job_end(store: SqlJobStore) -> None:
    job = await asked(store, "https://example.com/a", "https://example.com/b")
    held = await taken(store)
    await store.cancel(job.id, now=101.0)
    with pytest.raises(LeaseLost):
        await store.fetches.renew(held.upload_id, held.token, held_until=120.0, bytes_done=1)

    (other,) = await store.fetches.end_abandoned(now=102.0)
    (own,) = await store.fetches.end_abandoned(now=102.0, held=held)

    assert {other.upload_id, own.upload_id} == {each.upload_id for each in job.inputs}
    assert await take(store, 1e10) is None
    await store.expire(finished_before=0.0, now=103.0, limit=10)
    await store.fetches.remove_old()


async def test_tenants_take_turns(store: SqlJobStore) -> None:
    many, one = Tenant("many"), Tenant("one")
    await asked(store, *(f"https://example.com/{i}" for i in range(3)), tenant=many)
    await asked(store, "https://example.com/x", tenant=one)

    order = [(await taken(store)).tenant for _ in range(4)]

    assert one in order[:2]
    assert order.count(many) == 3
