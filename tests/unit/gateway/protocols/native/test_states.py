"""`GET /api/v1/uploads/ID`: the state of an upload, whichever protocol sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from shared.errors import BlobNotFound
from shared.jobs.job import JobState
from tests.unit.gateway.native import BODY, SIZE, created, put, shown
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


async def test_an_upload_of_dropzone_is_shown_continued_and_cancelled(
    gateway: Gateway,
) -> None:
    await gateway.chunk("by dropzone", BODY[:9], offset=0, size=9, total=SIZE)
    view = await shown(gateway, "/api/v1/uploads/by dropzone")
    assert (view["id"], view["missing"]) == (str(upload_id_of("by dropzone")), [[9, SIZE]])
    path = f"/api/v1/uploads/{view['id']}"
    assert (await (await put(gateway, path, 20, BODY[20:])).json())["missing"] == [[9, 20]]
    assert (await gateway.client.delete(path)).status == 204
    await problem_of(await gateway.client.get(path), 404, "upload-not-found")


async def test_an_upload_cannot_be_hidden_by_naming_another_one_after_its_id(
    gateway: Gateway,
) -> None:
    path = await created(gateway)
    name = path.rpartition("/")[2]
    await gateway.chunk(name, b"x" * 9, offset=0, size=9, total=1000)
    assert (await shown(gateway, path))["size"] == SIZE


async def test_a_complete_upload_without_a_job_gets_one_when_it_is_requested(
    gateway: Gateway,
) -> None:
    # As after a gateway that was killed between the last byte and the job
    path = await created(gateway)
    upload_id = UUID(path.rpartition("/")[2])

    async def data() -> Any:
        yield BODY

    await gateway.blobs.write(upload_key(upload_id), 0, data())
    view = await shown(gateway, path)
    job = await gateway.jobs.of_upload(upload_id)
    assert job is not None
    assert view["job"] == f"/api/v1/jobs/{job.id}"
    assert gateway.bus.published == [job.id]


async def test_a_cancelled_upload_shows_its_job_and_takes_no_more_bytes(gateway: Gateway) -> None:
    path = await created(gateway)
    job = (await (await put(gateway, path, 0, BODY)).json())["job"]
    assert (await gateway.client.delete(path)).status == 204
    with pytest.raises(BlobNotFound):
        await gateway.blobs.info(upload_key(UUID(path.rpartition("/")[2])))
    assert (await shown(gateway, path))["job"] == job
    await problem_of(await put(gateway, path, 0, BODY), 409, "input-removed")
    cancelled = await gateway.jobs.get(UUID(job.rpartition("/")[2]))
    assert cancelled.state is JobState.REVOKED
