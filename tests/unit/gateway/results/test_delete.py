"""`DELETE /api/v1/jobs/{job_id}/result`: the job and its input stay."""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.blobs.blob import preview_key, rejects_key, result_key
from shared.errors import StorageUnavailable
from tests.unit.gateway.jobs.states import failed, is_kept
from tests.unit.gateway.jobs.test_delete import finished
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    import pytest

    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway

LARGE = random.Random(5).randbytes(24_000_000)


def url(job: Job) -> str:
    return f"/api/v1/jobs/{job.id}/result"


def outputs(job: Job) -> list[BlobKey]:
    return [key(job.id, 1) for key in (result_key, rejects_key, preview_key)]


async def test_result_rejects_and_preview_are_gone_and_the_input_stays(gateway: Gateway) -> None:
    job = await finished(gateway)
    assert [await is_kept(gateway, key) for key in outputs(job)] == [True] * 3
    for _ in range(2):  # repeating is harmless
        response = await gateway.client.delete(url(job))
        assert (response.status, await response.read()) == (204, b"")
        assert [await is_kept(gateway, key) for key in outputs(job)] == [False] * 3
    assert await is_kept(gateway, job.inputs[0].key)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).json()
    assert (shown["state"], shown["expired_at"]) == ("SUCCESS", None)
    assert shown["result"]["size"] == 4
    deleted_at = datetime.fromisoformat(shown["result_deleted_at"]).timestamp()
    assert deleted_at >= job.created_at
    for part in ("result", "rejects", "preview"):
        gone = await gateway.client.get(f"/api/v1/jobs/{job.id}/{part}")
        problem = await problem_of(gone, 410, "result-expired")
        assert shown["result_deleted_at"] in problem["detail"]
    assert (await gateway.client.get(f"/api/download_file/{job.id}")).status == 410
    events = await gateway.client.get(f"/api/v1/jobs/{job.id}/events")
    assert '"result": null' in await events.text()
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 204
    assert not await is_kept(gateway, job.inputs[0].key)


async def test_a_job_without_a_result_has_none_to_delete(gateway: Gateway) -> None:
    for job in (await gateway.pending_job(), await gateway.started_job(), await failed(gateway)):
        response = await gateway.client.delete(url(job))
        problem = await problem_of(response, 409, "no-result")
        assert problem["detail"].startswith(f"There is no result: the job is {job.state}")
        assert await is_kept(gateway, job.inputs[0].key) == (job.state == "FAILURE")
    response = await gateway.client.delete(f"/api/v1/jobs/{uuid4()}/result")
    await problem_of(response, 404, "job-not-found")


async def test_the_result_of_an_expired_job_is_deleted_already(gateway: Gateway) -> None:
    job = await finished(gateway)
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 204
    assert (await gateway.client.delete(url(job))).status == 204


async def test_bytes_that_could_not_be_deleted_are_deleted_by_the_next_request(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await finished(gateway)

    async def away(_key: object) -> None:
        raise StorageUnavailable("storage does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(gateway.blobs, "delete", away)
        assert (await gateway.client.delete(url(job))).status == 503
    # Nothing reads them any more
    assert (await gateway.client.get(url(job))).status == 410
    assert (await gateway.client.delete(url(job))).status == 204
    assert [await is_kept(gateway, key) for key in outputs(job)] == [False] * 3


async def test_a_download_in_progress_gets_every_byte(gateway: Gateway) -> None:
    job = await finished(gateway, LARGE)
    async with gateway.client.get(url(job)) as response:
        first = await response.content.readexactly(1000)
        assert (await gateway.client.delete(url(job))).status == 204
        assert first + await response.read() == LARGE
