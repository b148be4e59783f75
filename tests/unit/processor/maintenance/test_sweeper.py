"""The sweeper removes what no job needs."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from processor.maintenance.sweeper import BATCH
from processor.settings import WorkSettings
from shared.access.limits import Limits
from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.aggregation.spec import SONG_PLAYS
from shared.blobs.blob import BlobKey, result_key, upload_key
from shared.errors import StorageUnavailable
from shared.jobs.job import JobState
from shared.uploads.keys import key_of
from tests.blob_backends import read, stream
from tests.unit.processor.maintenance.swept import GRACE, HOUR, RESULT_TTL, UPLOAD_TTL, Store


@pytest.mark.parametrize("received", [0, 3, 4])
async def test_an_upload_without_a_job_is_removed_when_it_was_unused_for_its_ttl(
    store: Store, received: int
) -> None:
    key = upload_key(await store.upload(received=received))

    store.pass_time(UPLOAD_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    assert await store.kept() == {key}

    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 1
    assert await store.kept() == set()


async def test_a_use_of_an_upload_restarts_its_ttl(store: Store) -> None:
    upload_id = await store.upload(received=3)
    key = upload_key(upload_id)
    store.pass_time(UPLOAD_TTL + HOUR)
    await store.blobs.write(key, 3, stream(b"d"))

    assert await store.sweeper().sweep() == 0

    store.pass_time(UPLOAD_TTL - HOUR)
    await store.sweeper().sweep()
    assert await read(store.blobs, key) == b"abcd"


async def test_uploads_of_all_tenants_are_kept_and_removed_alike(store: Store) -> None:
    keys = []
    for tenant in (DEFAULT_TENANT, Tenant("acme"), Tenant("acme-2")):
        for _ in range(2):
            upload_id = uuid4()
            keys.append(key_of(upload_id, tenant))
            await store.blobs.create(keys[-1], 4)
        await store.jobs.create(
            upload_id=upload_id,
            input_key=keys[-1],
            input_size=4,
            filename="plays.csv",
            aggregation=SONG_PLAYS,
            max_attempts=9,
            now=store.now,
            tenant=tenant,
        )
    store.pass_time(UPLOAD_TTL + HOUR)
    assert await store.sweeper().sweep() == 3
    assert await store.kept() == set(keys[1::2])


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.STARTED, JobState.RETRY])
async def test_the_input_of_an_unfinished_job_never_expires(store: Store, state: JobState) -> None:
    job = await store.job()
    if state is not JobState.PENDING:
        attempt = await store.attempt(job)
        if state is JobState.RETRY:
            await store.jobs.fail(job.id, attempt, "why", final=False, now=store.now)

    store.pass_time(100 * RESULT_TTL)
    await store.sweeper().sweep()

    assert (await store.jobs.get(job.id)).state is state
    assert await read(store.blobs, job.inputs[0].key) == b"abcd"


async def test_input_and_result_of_a_finished_job_are_removed_after_their_ttl(
    store: Store,
) -> None:
    job = await store.job()
    store.pass_time(100 * RESULT_TTL)  # the time before it ended does not count
    await store.succeed(job, await store.attempt(job))

    store.pass_time(RESULT_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    assert await store.kept() == {job.inputs[0].key, result_key(job.id, 1)}
    assert (await store.jobs.get(job.id)).expired_at is None

    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 2
    assert await store.kept() == set()
    expired = await store.jobs.get(job.id)
    assert (expired.state, expired.expired_at) == (JobState.SUCCESS, store.now)


async def test_the_input_of_a_failed_job_is_kept_as_long_for_a_retry(
    store: Store,
) -> None:
    job = await store.job()
    attempt = await store.attempt(job)
    await store.jobs.fail(job.id, attempt, "why", final=True, now=store.now)

    store.pass_time(RESULT_TTL - HOUR)
    await store.sweeper().sweep()
    # The output of its attempt is not needed.
    assert await store.kept() == {job.inputs[0].key}

    assert await store.jobs.retry(job.id) is not None
    store.pass_time(100 * RESULT_TTL)
    await store.sweeper().sweep()
    assert await store.kept() == {job.inputs[0].key}


async def test_a_failed_job_that_has_expired_cannot_be_retried(
    store: Store,
) -> None:
    job = await store.job()
    await store.jobs.fail(job.id, await store.attempt(job), "why", final=True, now=store.now)
    store.pass_time(RESULT_TTL + HOUR)

    assert await store.sweeper().sweep() == 2

    assert await store.kept() == set()
    assert await store.jobs.retry(job.id) is None


async def test_the_blobs_of_a_cancelled_job_are_removed_soon(store: Store) -> None:
    job = await store.job()
    await store.attempt(job)
    await store.jobs.cancel(job.id, now=store.now)

    assert await store.sweeper().sweep() == 0  # not while the request that cancels may still run
    store.pass_time(GRACE + 60)
    assert await store.sweeper().sweep() == 2
    assert await store.kept() == set()


async def test_outputs_of_unsuccessful_attempts_are_removed_and_results_are_kept(
    store: Store,
) -> None:
    running, finished = await store.job(), await store.job()
    for job in (running, finished):
        assert [await store.attempt(job) for _ in range(3)] == [1, 2, 3]
    await store.succeed(finished, 3)

    store.pass_time(GRACE - 60)
    assert await store.sweeper().sweep() == 0
    store.pass_time(120)
    assert await store.sweeper().sweep() == 4

    assert await store.kept() == {
        running.inputs[0].key,
        finished.inputs[0].key,
        result_key(running.id, 3),
        result_key(finished.id, 3),
    }
    assert await read(store.blobs, result_key(finished.id, 3)) == b"03"


async def test_a_deleted_result_that_a_gateway_left_is_removed_and_the_input_is_kept(
    store: Store,
) -> None:
    job = await store.job()
    await store.succeed(job, await store.attempt(job))
    await store.jobs.delete_result(job.id, now=store.now)

    store.pass_time(GRACE + 60)
    assert await store.sweeper().sweep() == 1
    assert await store.kept() == {job.inputs[0].key}


async def test_an_attempt_whose_lease_ran_out_keeps_its_output_until_it_is_replaced(
    store: Store,
) -> None:
    job = await store.job()
    attempt = await store.attempt(job)
    store.pass_time(RESULT_TTL)

    assert await store.sweeper().sweep() == 0

    await store.succeed(job, attempt)  # late, and accepted
    assert await read(store.blobs, result_key(job.id, attempt)) == b"01"


async def test_a_paused_worker_whose_job_has_expired_changes_nothing(store: Store) -> None:
    # Given a worker paused in the first attempt, while another one finishes and the job expires
    job = await store.job()
    late = await store.attempt(job)
    await store.succeed(job, await store.attempt(job))
    async with store.blobs.open(job.inputs[0].key) as pieces:
        store.pass_time(RESULT_TTL + HOUR)
        await store.sweeper().sweep()
        # When it continues, reads the rest of its open input, and writes its output again
        assert b"".join([piece async for piece in pieces]) == b"abcd"
    expired = await store.jobs.get(job.id)
    await store.blobs.create(result_key(job.id, late), 2)
    await store.blobs.write(result_key(job.id, late), 0, stream(b"xx"))

    # Then its result is refused, and its output is removed too
    with pytest.raises(Exception, match="no longer attempt 1's"):
        await store.succeed(job, late)
    assert await store.jobs.get(job.id) == expired
    store.pass_time(GRACE + 60)
    assert await store.sweeper().sweep() == 1
    assert await store.kept() == set()


async def test_an_upload_sent_again_after_its_job_expired_has_the_same_job_and_is_removed(
    store: Store,
) -> None:
    job = await store.job()
    await store.succeed(job, await store.attempt(job))
    store.pass_time(RESULT_TTL + HOUR)
    await store.sweeper().sweep()
    expired = await store.jobs.get(job.id)

    await store.blobs.create(job.inputs[0].key, 4)
    await store.blobs.write(job.inputs[0].key, 0, stream(b"abcd"))
    assert await store.job(job.upload_id) == expired
    assert await store.jobs.claim(job.id, worker="w", lease_until=9e9, now=store.now) is None

    store.pass_time(GRACE + 60)
    assert await store.sweeper().sweep() == 1


async def test_an_upload_that_becomes_a_job_during_a_sweep_is_kept(store: Store) -> None:
    # Given a sweeper that has just read that an old upload has no job
    upload_id = await store.upload()
    store.pass_time(UPLOAD_TTL + HOUR)

    class Late:
        access = store.jobs.access
        datasets = store.jobs.datasets
        expire = store.jobs.expire
        get_many = store.jobs.get_many

        async def of_uploads(self, upload_ids: list[UUID]) -> object:
            answer = await store.jobs.of_uploads(upload_ids)
            # When its client repeats a chunk, which creates the job
            await store.blobs.write(upload_key(upload_id), 0, stream(b"ab"))
            await store.job(upload_id)
            return answer

    assert await store.sweeper(jobs=Late()).sweep() == 0
    assert await read(store.blobs, upload_key(upload_id)) == b"abcd"


async def test_several_sweepers_at_a_time_sweep_more_than_one_batch(store: Store) -> None:
    expiring = [await store.upload(received=1) for _ in range(BATCH + 20)]
    for _ in range(BATCH + 20):
        job = await store.job(uuid4())
        await store.jobs.cancel(job.id, now=store.now)
    store.pass_time(UPLOAD_TTL + HOUR)
    kept = upload_key(await store.upload())

    removed = await asyncio.gather(*(store.sweeper().sweep() for _ in range(3)))

    assert sum(removed) == len(expiring)
    assert await store.kept() == {kept}
    assert await store.jobs.expire(finished_before=0.0, now=store.now, limit=9) == 0


async def test_a_blob_that_cannot_be_removed_does_not_stop_the_others(store: Store) -> None:
    stuck = upload_key(await store.upload())
    await store.upload()
    store.pass_time(UPLOAD_TTL + HOUR)

    class Stuck:
        walk = store.blobs.walk

        async def expire(self, key: BlobKey, **limits: Any) -> bool:
            if key == stuck:
                raise StorageUnavailable("a bad sector")
            return await store.blobs.expire(key, **limits)

    assert await store.sweeper(blobs=Stuck()).sweep() == 1
    assert await store.kept() == {stuck}


async def test_blobs_with_unknown_keys_are_kept(store: Store) -> None:
    for name in ("uploads/by-hand", "results/alone", "results/by-hand/1", "other/thing"):
        await store.blobs.create(BlobKey(name), 0)
    store.pass_time(100 * RESULT_TTL)
    assert await store.sweeper().sweep() == 0


async def test_outputs_of_a_job_that_the_database_has_lost_are_kept_as_long_as_results(
    store: Store,
) -> None:
    key = result_key(uuid4(), 1)
    await store.blobs.create(key, 0)
    store.pass_time(RESULT_TTL - HOUR)
    assert await store.sweeper().sweep() == 0
    store.pass_time(2 * HOUR)
    assert await store.sweeper().sweep() == 1


def test_by_default_uploads_are_kept_a_day_and_results_a_week() -> None:
    settings = WorkSettings()
    assert (settings.upload_ttl, settings.result_ttl) == (UPLOAD_TTL, RESULT_TTL)


async def test_reservations_of_uploads_that_do_not_exist_are_removed(store: Store) -> None:
    quotas = store.jobs.access.quotas
    uploads = {name: await store.upload(received=3) for name in ("in progress", "with a job")}
    await store.job(uploads["with a job"])
    uploads |= {"never created": uuid4(), "young": uuid4()}
    for name, upload_id in uploads.items():
        at = store.now - (1 if name == "young" else 2 * GRACE)
        await quotas.reserve(upload_id, DEFAULT_TENANT, 4, Limits(), stored=0, now=at)

    await store.sweeper().sweep()

    kept = {upload_id async for upload_id, _ in quotas.reserved_before(store.now + 1)}
    assert kept == {uploads["in progress"], uploads["young"]}
