"""Termination in the tus protocol: any upload can be removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import result_key, upload_key
from shared.errors import BlobNotFound, InputRemoved
from shared.jobs.job import JobResult, JobState
from tests.forwarding import Forwarding
from tests.unit.gateway.problems import problem_of
from tests.unit.gateway.protocols.tus.test_handlers import ask, created, patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway, Start


async def ended(gateway: Gateway, state: JobState) -> tuple[str, Job]:
    """Return the path of an upload, and its job in that state."""
    path = await created(gateway, 3)
    named = (await patch(gateway, path, 0, b"abc")).headers["Csvmill-Job"]
    job_id, now, jobs = UUID(named.rpartition("/")[2]), time.time(), gateway.jobs
    if state is not JobState.PENDING:
        assert await jobs.claim(job_id, worker="w", lease_until=now + 60, now=now)
    if state is JobState.SUCCESS:
        await jobs.succeed(job_id, 1, JobResult(result_key(job_id, 1), 1, "0" * 64, 1, 1), now=now)
    elif state is JobState.FAILURE:
        await jobs.fail(job_id, 1, "bad", final=True, now=now)
    job = await jobs.get(job_id)
    assert job.state is state
    return path, job


async def is_kept(gateway: Gateway, job: Job) -> bool:
    try:
        await gateway.blobs.info(job.inputs[0].key)
    except BlobNotFound:
        return False
    return True


async def is_gone(gateway: Gateway, path: str, status: int) -> None:
    """Check that every request to the upload is answered with that status."""
    await ask(gateway, "HEAD", path, status)
    await patch(gateway, path, 0, b"abc", status)
    await ask(gateway, "DELETE", path, status)


async def test_an_incomplete_upload_is_removed(gateway: Gateway) -> None:
    path = await created(gateway)
    await patch(gateway, path, 0, b"abc")
    await ask(gateway, "DELETE", path, 204)
    await is_gone(gateway, path, 404)
    with pytest.raises(BlobNotFound):
        await gateway.blobs.info(upload_key(UUID(path.rpartition("/")[2])))


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.STARTED])
async def test_an_upload_is_removed_and_its_job_cancelled(
    gateway: Gateway, state: JobState
) -> None:
    path, job = await ended(gateway, state)
    await ask(gateway, "DELETE", path, 204)
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job)
    await is_gone(gateway, path, 410)


async def test_an_upload_whose_job_has_succeeded_is_removed_and_the_result_stays(
    gateway: Gateway,
) -> None:
    path, job = await ended(gateway, JobState.SUCCESS)
    await ask(gateway, "DELETE", path, 204)
    assert await gateway.jobs.get(job.id) == job
    assert not await is_kept(gateway, job)
    await is_gone(gateway, path, 410)


async def test_an_upload_whose_job_has_failed_is_removed_and_the_job_cannot_be_retried(
    gateway: Gateway,
) -> None:
    path, job = await ended(gateway, JobState.FAILURE)
    await ask(gateway, "DELETE", path, 204)
    assert not await is_kept(gateway, job)
    refused = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    await problem_of(refused, 409, "input-removed")
    # Even if its bytes existed again, nothing would read them, by the database
    with pytest.raises(InputRemoved):
        await gateway.jobs.retry(job.id)
    assert (await gateway.jobs.get(job.id)).state is JobState.FAILURE
    await is_gone(gateway, path, 410)


async def test_an_upload_whose_job_has_ended_is_kept_in_v1_if_asked_for(gateway: Gateway) -> None:
    for state in (JobState.SUCCESS, JobState.FAILURE):
        path, job = await ended(gateway, state)
        refused = await gateway.client.delete(
            path.replace("/api/tus/", "/api/v1/uploads/") + "?finished=keep"
        )
        await problem_of(refused, 409, "job-finished")
        assert await is_kept(gateway, job)


class Retried(Forwarding):
    """Retries a failed job just before it expires."""

    async def expire_failed(self, job_id: UUID, *, now: float) -> Any:
        await self._behind.retry(job_id)
        return await self._behind.expire_failed(job_id, now=now)


async def test_an_upload_whose_job_is_retried_at_the_same_time_is_not_removed(
    start_gateway: Start,
) -> None:
    in_front: Callable[[Any], Any] = Retried
    gateway = await start_gateway(jobs=in_front)
    path, job = await ended(gateway, JobState.FAILURE)
    await ask(gateway, "DELETE", path, 204)
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job)
