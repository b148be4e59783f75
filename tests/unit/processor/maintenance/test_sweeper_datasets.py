"""The sweeper keeps uploads that jobs were asked of, and those that clients keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import result_key, upload_key
from shared.bus.in_process import InProcessBus
from shared.errors import BlobNotFound, InputRemoved
from shared.jobs.dataset import FOR_EVER, Dataset
from shared.jobs.events import JobEvents
from shared.jobs.job import SONG_PLAYS, JobState
from shared.jobs.job_input import JobInput
from shared.jobs.job_request import JobRequest
from shared.ports import Ports
from shared.telemetry.metrics import Metrics
from shared.uploads.ask_job import ask_job
from shared.uploads.record import dataset_of
from tests.blob_backends import read
from tests.unit.processor.maintenance.swept import GRACE, HOUR, RESULT_TTL, UPLOAD_TTL, Store

if TYPE_CHECKING:
    from shared.jobs.job import Job


async def request_of(store: Store, *upload_ids: UUID) -> JobRequest:
    """Return a request for a job of uploads, which uses them as a gateway does."""
    inputs = []
    for upload_id in upload_ids:
        blob = await store.blobs.info(upload_key(upload_id))
        inputs.append(JobInput(upload_id, blob.key, "plays.csv", 4, blob.version))
    return JobRequest(uuid4(), tuple(inputs), SONG_PLAYS, "asked", 9, "0" * 64)


async def asked(store: Store, *upload_ids: UUID) -> Job:
    return await store.jobs.ask(await request_of(store, *upload_ids), now=store.now)


async def recorded(store: Store, *, keep_until: float | None = None) -> UUID:
    """An upload without a job that is complete."""
    upload_id = await store.upload()
    blob = await store.blobs.peek(upload_key(upload_id))
    dataset = Dataset(
        upload_id, DEFAULT_TENANT, blob.key, "plays.csv", 4, blob.version, None, store.now,
        keep_until,
    )  # fmt: skip
    await store.jobs.datasets.record(dataset)
    return upload_id


async def finish(store: Store, job: Job) -> None:
    await store.succeed(job, await store.attempt(job))


async def listed(store: Store) -> list[UUID]:
    found = await store.jobs.datasets.listed(DEFAULT_TENANT, limit=99)
    return [each.upload_id for each in found]


async def test_an_upload_is_kept_while_a_job_that_was_asked_of_it_is(store: Store) -> None:
    own = await store.job()
    upload_id = own.inputs[0].upload_id
    await finish(store, own)
    store.pass_time(RESULT_TTL - HOUR)
    job = await asked(store, upload_id)
    store.pass_time(2 * HOUR)
    # The upload's own job has expired, and its result is removed.
    assert await store.sweeper().sweep() == 1
    assert await store.kept() == {upload_key(upload_id)}
    await finish(store, job)
    store.pass_time(RESULT_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    assert await listed(store) == [upload_id]
    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 2
    assert await store.kept() == set()
    assert await listed(store) == []
    assert await store.jobs.datasets.get(upload_id) is None


async def test_every_input_of_a_job_is_kept(store: Store) -> None:
    ids = [await recorded(store) for _ in range(3)]
    job = await asked(store, *ids)
    store.pass_time(RESULT_TTL + HOUR)
    assert await store.sweeper().sweep() == 0
    await store.jobs.cancel(job.id, now=store.now)
    assert await store.sweeper().sweep() == 3


async def test_an_upload_without_a_job_is_kept_for_its_ttl_from_its_last_use(
    store: Store,
) -> None:
    upload_id = await recorded(store)
    store.pass_time(UPLOAD_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    await store.blobs.info(upload_key(upload_id))
    store.pass_time(UPLOAD_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    assert await listed(store) == [upload_id]
    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 1
    assert await listed(store) == []


@pytest.mark.parametrize("own", [True, False])
async def test_an_upload_is_kept_until_the_time_that_its_client_has_said(
    store: Store, own: bool
) -> None:
    until = store.now + RESULT_TTL * 2
    if own:
        job = await store.job()
        await finish(store, job)
        upload_id = job.inputs[0].upload_id
        dataset = dataset_of(upload_id, await store.blobs.peek(job.inputs[0].key))
        await store.jobs.datasets.keep(dataset, until, now=store.now)
    else:
        upload_id = await recorded(store, keep_until=until)
    store.pass_time(RESULT_TTL * 2 - HOUR)
    assert await store.sweeper().sweep() == own
    assert await listed(store) == [upload_id]
    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 1
    assert (await store.kept(), await listed(store)) == (set(), [])


async def test_an_upload_that_is_kept_until_it_is_deleted_never_expires(store: Store) -> None:
    upload_id = await recorded(store, keep_until=FOR_EVER)
    store.pass_time(RESULT_TTL * 1000)
    assert await store.sweeper().sweep() == 0
    assert await read(store.blobs, upload_key(upload_id)) == b"abcd"


async def test_an_upload_whose_deletion_was_interrupted_is_removed(store: Store) -> None:
    upload_id = await recorded(store, keep_until=FOR_EVER)
    await store.jobs.datasets.remove(upload_id, unless_needed=False, now=store.now)
    store.pass_time(UPLOAD_TTL + HOUR)
    assert await store.sweeper().sweep() == 1
    assert await store.jobs.datasets.get(upload_id) is None


async def test_the_record_of_an_upload_that_storage_does_not_have_is_removed(
    store: Store,
) -> None:
    # As when a sweeper is killed between the two.
    upload_id = await recorded(store)
    await store.blobs.delete(upload_key(upload_id))
    await store.sweeper().sweep()
    assert await listed(store) == []


async def test_the_output_of_a_job_that_was_asked_for_expires_with_it(store: Store) -> None:
    upload_id = await recorded(store, keep_until=FOR_EVER)
    job = await asked(store, upload_id)
    await finish(store, job)
    assert await store.kept() == {upload_key(upload_id), result_key(job.id, 1)}
    store.pass_time(RESULT_TTL + HOUR)
    assert await store.sweeper().sweep() == 1
    assert await store.kept() == {upload_key(upload_id)}


def ports_of(store: Store, **more: Any) -> Ports:
    return Ports(more.get("blobs", store.blobs), store.jobs, InProcessBus())


@pytest.mark.parametrize("moment", ["before the sweep reads", "after it has read"])
async def test_of_an_ask_and_a_sweep_at_the_same_time_the_ask_wins(
    store: Store, moment: str
) -> None:
    upload_id = await recorded(store)
    store.pass_time(UPLOAD_TTL + HOUR)
    jobs: list[Job] = []

    async def ask() -> None:
        request = await request_of(store, upload_id)
        jobs.append(await ask_job(ports_of(store), JobEvents(Metrics("gateway")), request))

    class Datasets:
        unneeded = store.jobs.datasets.unneeded
        get = store.jobs.datasets.get
        forget = store.jobs.datasets.forget

        async def needed(self, ids: list[UUID], *, now: float) -> object:
            if moment.startswith("before"):
                await ask()
            found = await store.jobs.datasets.needed(ids, now=now)
            if moment.startswith("after"):
                await ask()
            return found

    class Jobs:
        access = store.jobs.access
        datasets = Datasets()
        expire = store.jobs.expire
        get_many = store.jobs.get_many
        of_upload = store.jobs.of_upload
        of_uploads = store.jobs.of_uploads

    assert await store.sweeper(jobs=Jobs()).sweep() == 0
    (job,) = jobs
    assert job.state is JobState.PENDING
    assert await read(store.blobs, upload_key(upload_id)) == b"abcd"


async def test_an_ask_that_slept_for_longer_than_the_grace_is_refused(store: Store) -> None:
    # Given a gateway that slept between its use of the upload and the creation of the job.
    upload_id = await recorded(store)
    request = await request_of(store, upload_id)
    store.pass_time(UPLOAD_TTL + GRACE)
    assert await store.sweeper().sweep() == 1
    with pytest.raises(InputRemoved, match=str(upload_id)):
        await ask_job(ports_of(store), JobEvents(Metrics("gateway")), request)
    # Then no job is left to run.
    assert (await store.jobs.get(request.id)).state is JobState.REVOKED


async def test_many_asks_and_sweeps_at_the_same_time_leave_no_job_without_its_input(
    store: Store,
) -> None:
    ids = [await recorded(store) for _ in range(12)]
    store.pass_time(UPLOAD_TTL + HOUR)

    async def ask(upload_id: UUID) -> Job | None:
        try:
            request = await request_of(store, upload_id)
            return await ask_job(ports_of(store), JobEvents(Metrics("gateway")), request)
        except (BlobNotFound, InputRemoved):
            return None

    sweeps = [asyncio.create_task(store.sweeper().sweep()) for _ in range(3)]
    outcomes = await asyncio.gather(*map(ask, ids))
    await asyncio.gather(*sweeps)
    kept = await store.kept()
    for upload_id, outcome in zip(ids, outcomes, strict=True):
        if outcome is None:
            assert upload_key(upload_id) not in kept
        else:
            assert outcome.state is JobState.PENDING
            assert upload_key(upload_id) in kept
