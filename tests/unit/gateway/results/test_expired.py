"""Downloads of expired results."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.uploads.upload import upload_id_of
from tests.forwarding import Forwarding
from tests.unit.gateway.conftest import dropzone_form

if TYPE_CHECKING:
    from uuid import UUID

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start


async def expire(jobs: SqlJobStore) -> None:
    assert await jobs.expire(finished_before=time.time() + 1, now=time.time(), limit=9) == 1


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}])
async def test_an_expired_result_is_410_at_once(
    gateway: Gateway, headers: dict[str, str], removed: bool
) -> None:
    job = await gateway.finished_job(b"result")
    await expire(gateway.jobs)
    if removed:
        assert job.result is not None
        await gateway.blobs.delete(job.result.key)

    response = await gateway.client.get(f"/api/download_file/{job.id}", headers=headers)

    assert response.status == 410
    assert await response.json() == {
        "status": "error",
        "message": f"The result of job {job.id} expired and was deleted; upload the file again",
    }


async def test_an_expired_job_is_still_shown(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"result")
    await expire(gateway.jobs)
    response = await gateway.client.get(f"/api/file_status/{job.id}")
    assert (await response.json())["job_status"] == "SUCCESS"


class OneLookBehind(Forwarding):
    """Returns the job once as it was before it expired."""

    def __init__(self, jobs: SqlJobStore) -> None:
        super().__init__(jobs)
        self.before: Job | None = None

    async def get(self, job_id: UUID, **tenant: Any) -> Job:
        before, self.before = self.before, None
        return before or await self._behind.get(job_id, **tenant)


async def test_a_result_that_expires_during_the_request_is_410(
    start_gateway: Start,
) -> None:
    stores: list[OneLookBehind] = []

    def behind(jobs: SqlJobStore) -> Any:
        stores.append(OneLookBehind(jobs))
        return stores[0]

    gateway = await start_gateway(jobs=behind)
    job = await gateway.finished_job(b"result")
    stores[0].before = job
    await expire(gateway.jobs)
    assert job.result is not None
    await gateway.blobs.delete(job.result.key)

    response = await gateway.client.get(f"/api/download_file/{job.id}")

    assert response.status == 410


async def test_a_lost_result_is_not_reported_as_expired(
    gateway: Gateway,
) -> None:
    job = await gateway.finished_job(b"result")
    assert job.result is not None
    await gateway.blobs.delete(job.result.key)
    response = await gateway.client.get(f"/api/download_file/{job.id}")
    assert response.status == 500


async def test_repeating_an_upload_after_its_job_expired_creates_no_new_job(
    gateway: Gateway,
) -> None:
    async def send() -> str:
        status, answer = await gateway.post(dropzone_form("again", b"a,b,1\n", 0, 6, 6))
        assert status == 200
        return str(answer["job_id"])

    job_id = await send()
    job = (await gateway.jobs.of_uploads([upload_id_of("again")]))[upload_id_of("again")]
    await gateway.jobs.cancel(job.id, now=time.time())
    await expire(gateway.jobs)
    published = len(gateway.bus.published)
    await gateway.blobs.delete(job.inputs[0].key)

    assert await send() == job_id
    assert len(gateway.bus.published) == published
