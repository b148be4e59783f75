"""`DELETE` of a job that has ended, or of its upload: its bytes are gone when it is answered."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.blobs.blob import preview_key, rejects_key, result_key
from shared.errors import StorageUnavailable
from shared.jobs.job import JobState
from tests.blob_backends import stream
from tests.unit.gateway.jobs.states import failed, is_kept
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

LARGE = random.Random(4).randbytes(24_000_000)


async def finished(gateway: Gateway, content: bytes = b"a\n1\n") -> Job:
    """Return a job with an input, a result, rejects and a preview."""
    job = await gateway.finished_job(content, rejects=b"line\n", preview=b"a\n")
    await gateway.blobs.create(job.inputs[0].key, 1)
    await gateway.blobs.write(job.inputs[0].key, 0, stream(b"x"))
    return job


def keys(job: Job) -> list[BlobKey]:
    return [
        job.inputs[0].key,
        *(key(job.id, 1) for key in (result_key, rejects_key, preview_key)),
    ]


@pytest.mark.parametrize("by", ["job", "upload"])
async def test_a_finished_job_is_deleted_with_all_its_bytes(gateway: Gateway, by: str) -> None:
    job = await finished(gateway)
    assert [await is_kept(gateway, key) for key in keys(job)] == [True] * 4
    path = f"/api/v1/jobs/{job.id}" if by == "job" else f"/api/v1/uploads/{job.upload_id}"
    for _ in range(2):  # repeating is harmless
        response = await gateway.client.delete(path)
        assert (response.status, await response.read()) == (204, b"")
        assert [await is_kept(gateway, key) for key in keys(job)] == [False] * 4
    after = await gateway.jobs.get(job.id)
    assert (after.state, after.expired_at is not None) == (JobState.SUCCESS, True)
    for part in ("result", "rejects", "preview"):
        gone = await gateway.client.get(f"/api/v1/jobs/{job.id}/{part}")
        await problem_of(gone, 410, "result-expired")


async def test_a_failed_job_is_deleted_and_cannot_be_retried(gateway: Gateway) -> None:
    job = await failed(gateway)
    assert await is_kept(gateway, job.inputs[0].key)
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 204
    assert not await is_kept(gateway, job.inputs[0].key)
    refused = await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    await problem_of(refused, 409, "input-removed")


async def test_bytes_that_could_not_be_deleted_are_deleted_by_the_next_request(
    start_gateway: Start,
) -> None:
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
    job = await finished(gateway)
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 503
    # Nothing reads them any more
    assert (await gateway.client.get(f"/api/v1/jobs/{job.id}/result")).status == 410
    away = False
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 204
    assert [await is_kept(gateway, key) for key in keys(job)] == [False] * 4


async def test_a_download_in_progress_gets_every_byte(gateway: Gateway) -> None:
    job = await finished(gateway, LARGE)
    async with gateway.client.get(f"/api/v1/jobs/{job.id}/result") as response:
        first = await response.content.readexactly(1000)
        assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 204
        assert first + await response.read() == LARGE


async def test_a_job_that_does_not_exist_cannot_be_deleted(gateway: Gateway) -> None:
    response = await gateway.client.delete(f"/api/v1/jobs/{uuid4()}")
    await problem_of(response, 404, "job-not-found")


@pytest.mark.parametrize("path", ["/api/v1/jobs/{}", "/api/v1/uploads/{}"])
async def test_another_wish_than_to_keep_or_to_delete_is_refused(
    gateway: Gateway, path: str
) -> None:
    response = await gateway.client.delete(path.format(uuid4()) + "?finished=perhaps")
    assert (await problem_of(response, 400, "invalid-input"))["field"] == "finished"
