"""`DELETE /api/v1/jobs/ID`: a job is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from gateway.uploads.upload import upload_id_of
from shared.errors import (
    StorageUnavailable,
)
from shared.jobs.job import JobState
from tests.unit.gateway.jobs.states import BODY, claimed, failed, is_kept, uploaded
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.mark.parametrize("started", [False, True])
async def test_a_cancelled_job_is_revoked_at_once_and_its_input_deleted(
    gateway: Gateway, started: bool
) -> None:
    job = await uploaded(gateway)
    if started:
        await claimed(gateway, job)
    response = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    shown = await response.json()
    assert (response.status, shown["state"]) == (200, "REVOKED")
    assert [a["outcome"] for a in shown["attempts"]] == ["revoked"] * started
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job.inputs[0].key)
    # Repeating the request returns the same
    again = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert (again.status, await again.json()) == (200, shown)


async def test_a_job_that_has_ended_is_kept_by_who_wants_to_cancel_it(
    gateway: Gateway,
) -> None:
    for job in (await failed(gateway), await gateway.finished_job(b"result")):
        before = await gateway.jobs.get(job.id)
        response = await gateway.client.delete(f"/api/v1/jobs/{job.id}?finished=keep")
        problem = await problem_of(response, 409, "job-finished")
        assert before.state in problem["detail"]
        assert await gateway.jobs.get(job.id) == before
        kept = before.result.key if before.result else before.inputs[0].key
        assert await is_kept(gateway, kept)


async def test_a_job_can_be_cancelled_while_storage_does_not_answer(start_gateway: Start) -> None:
    away = True

    def in_front(blobs: FilesystemBlobs) -> FilesystemBlobs:
        delete = blobs.delete

        async def sometimes(key: BlobKey) -> None:
            if away:
                raise StorageUnavailable("storage does not answer")
            await delete(key)

        blobs.delete = sometimes  # type: ignore[method-assign]  # the adapter is the test's own
        return blobs

    gateway = await start_gateway(blobs=in_front)
    job = await uploaded(gateway)
    response = await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert (response.status, (await response.json())["state"]) == (200, "REVOKED")
    assert await is_kept(gateway, job.inputs[0].key)
    # Repeating the request deletes the input
    away = False
    await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert not await is_kept(gateway, job.inputs[0].key)


async def test_the_url_of_a_job_also_cancels_an_incomplete_upload(
    gateway: Gateway,
) -> None:
    half = len(BODY) // 2
    await gateway.chunk("an upload", BODY[:half], offset=0, size=half, total=len(BODY))
    path = f"/api/v1/jobs/{upload_id_of('an upload')}"
    response = await gateway.client.delete(path)
    assert (response.status, await response.read()) == (204, b"")
    assert await gateway.stored("an upload") is None
    # The second time there is nothing to cancel
    problem = await problem_of(await gateway.client.delete(path), 404, "job-not-found")
    assert problem["detail"].startswith("There is no job and no upload ")


async def test_the_id_of_an_upload_that_has_become_a_job_cancels_the_job(gateway: Gateway) -> None:
    job = await uploaded(gateway, "an upload")
    for _ in range(2):
        response = await gateway.client.delete(f"/api/v1/jobs/{job.upload_id}")
        shown = await response.json()
        assert (response.status, shown["id"], shown["state"]) == (200, str(job.id), "REVOKED")
    assert not await is_kept(gateway, job.inputs[0].key)


async def test_listed_web_pages_may_cancel_jobs(start_gateway: Start) -> None:
    gateway = await start_gateway(cors_origins="https://page.example")
    response = await gateway.client.options(
        f"/api/v1/jobs/{uuid4()}",
        headers={"Origin": "https://page.example", "Access-Control-Request-Method": "DELETE"},
    )
    assert response.status == 204
    assert "DELETE" in response.headers["Access-Control-Allow-Methods"].split(", ")
