"""`DELETE /api/v1/uploads/ID`: an upload is cancelled, or its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from yarl import URL

from gateway.uploads.upload import upload_id_of
from shared.jobs.job import JobState
from tests.forwarding import Forwarding
from tests.unit.gateway.jobs.states import BODY, failed, is_kept, uploaded
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.mark.parametrize(
    "dzuuid", ["an upload", "49513dc1-7de5-40d7-8c9c-ada8e629c774", "a/b?c=%2F#é", ".."]
)
async def test_a_cancelled_upload_is_removed_and_a_later_chunk_starts_it_again(
    gateway: Gateway, dzuuid: str
) -> None:
    half = len(BODY) // 2
    await gateway.chunk(dzuuid, BODY[:half], offset=0, size=half, total=len(BODY))
    # A path cannot contain "..", so an upload of that name is addressed by its id
    name = quote(dzuuid, safe="") if dzuuid != ".." else str(upload_id_of(dzuuid))
    root = gateway.client.make_url("/api/v1/uploads/")
    url = URL(f"{root}{name}", encoded=True)
    response = await gateway.client.session.delete(url)
    assert (response.status, await response.read()) == (204, b"")
    assert await gateway.stored(dzuuid) is None
    # The second time there is nothing to remove
    again = await gateway.client.session.delete(url)
    await problem_of(again, 404, "upload-not-found")
    # The second half alone no longer completes the upload; both halves do
    rest = await gateway.chunk(dzuuid, BODY[half:], offset=half, size=half + 1, total=len(BODY))
    assert "job_id" not in rest
    whole = await gateway.chunk(dzuuid, BODY[:half], offset=0, size=half, total=len(BODY))
    assert (await gateway.job_of(whole)).state is JobState.PENDING


@pytest.mark.parametrize("by", ["dzuuid", "id"])
async def test_cancelling_an_upload_that_has_become_a_job_cancels_the_job(
    gateway: Gateway, by: str
) -> None:
    job = await uploaded(gateway, "an upload")
    name = "an upload" if by == "dzuuid" else str(job.upload_id)
    for _ in range(2):
        response = await gateway.client.delete(f"/api/v1/uploads/{name}")
        assert response.status == 204
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert not await is_kept(gateway, job.inputs[0].key)


async def test_an_upload_whose_job_has_ended_is_kept_if_asked_for(gateway: Gateway) -> None:
    job = await failed(gateway, "an upload")
    response = await gateway.client.delete("/api/v1/uploads/an upload?finished=keep")
    await problem_of(response, 409, "job-finished")
    assert await is_kept(gateway, job.inputs[0].key)


class RacingBlobs(Forwarding):
    """The real blobs; runs a function of the test before or after an upload is deleted."""

    def __init__(self, blobs: FilesystemBlobs) -> None:
        super().__init__(blobs)
        self.before_delete: Any = None
        self.after_write: Any = None

    async def delete(self, key: BlobKey) -> None:
        if self.before_delete:
            action, self.before_delete = self.before_delete, None
            await action()
        await self._behind.delete(key)

    async def write(self, *args: Any, **more: Any) -> Any:
        written = await self._behind.write(*args, **more)
        if self.after_write:
            action, self.after_write = self.after_write, None
            await action()
        return written


@pytest.mark.parametrize("last_chunk_is", ["before", "after"])
async def test_cancelling_an_upload_during_its_last_chunk_leaves_no_running_job(
    start_gateway: Start, last_chunk_is: str
) -> None:
    racing: list[RacingBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> Any:
        racing.append(RacingBlobs(blobs))
        return racing[0]

    gateway = await start_gateway(blobs=in_front)
    half = len(BODY) // 2
    await gateway.chunk("racing", BODY[:half], offset=0, size=half, total=len(BODY))
    jobs: list[Job] = []

    async def send_the_rest() -> None:
        answer = await gateway.chunk(
            "racing", BODY[half:], offset=half, size=half + 1, total=len(BODY)
        )
        jobs.append(await gateway.job_of(answer))

    async def cancel() -> None:
        assert (await gateway.client.delete("/api/v1/uploads/racing")).status == 204

    if last_chunk_is == "before":
        # The job is created after the gateway looked for it and before the bytes are deleted
        racing[0].before_delete = send_the_rest
        await cancel()
    else:
        # The bytes are deleted after the last was stored and before the job is created
        racing[0].after_write = cancel
        await send_the_rest()
    (job,) = jobs
    assert (await gateway.jobs.get(job.id)).state is JobState.REVOKED
    assert await gateway.stored("racing") is None
