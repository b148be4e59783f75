"""A file is sent again under a known name: the same one is taken, and another one is refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import result_key, upload_key
from shared.jobs.job import SONG_PLAYS, JobResult, JobState
from tests.unit.gateway.conftest import dropzone_form
from tests.unit.gateway.ietf import SPOKEN
from tests.unit.gateway.native import content_digest, sha256
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from shared.blobs.blob import BlobInfo
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway

NAME = "monthly"
KEY = upload_key(upload_id_of(NAME))
WHOLE = "/api/v1/uploads?name=plays.csv"
FILE = b"Song,Date,Number of Plays\nSOS,2026-01-01,3\nSOS,2026-01-01,4\n"
OTHER = FILE.replace(b"3\n", b"9\n")
assert len(FILE) == len(OTHER)
AT = FILE.index(b"3\n")


async def dropzone(gateway: Gateway, content: bytes) -> tuple[int, dict[str, Any]]:
    return await gateway.post(dropzone_form(NAME, content, 0, len(content), len(content)))


async def put(gateway: Gateway, content: Any, **headers: str) -> ClientResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.client.put(
        WHOLE, data=content, headers={"Idempotency-Key": NAME, **fields}
    )


async def create(gateway: Gateway, content: bytes, complete: str = "?1") -> ClientResponse:
    return await put(gateway, content, **SPOKEN, Upload_Complete=complete)


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def finish(gateway: Gateway) -> Job:
    """Let the job of the upload succeed; return it."""
    job = await gateway.jobs.of_upload(upload_id_of(NAME))
    assert job is not None
    now = time.time()
    assert await gateway.jobs.claim(job.id, worker="w", lease_until=now + 60, now=now)
    result = JobResult(result_key(job.id, 1), 1, "0" * 64, 2, 1)
    await gateway.jobs.succeed(job.id, 1, result, now=now)
    return await gateway.jobs.get(job.id)


async def state(gateway: Gateway) -> tuple[BlobInfo, Job | None]:
    return await gateway.blobs.peek(KEY), await gateway.jobs.of_upload(upload_id_of(NAME))


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("first", ["dropzone", "put", "create"])
async def test_a_file_that_comes_after_another_one_of_its_name_is_refused_by_every_protocol(
    gateway: Gateway, first: str, finished: bool
) -> None:
    # Given other bytes under a name that can be guessed
    if first == "dropzone":
        assert (await dropzone(gateway, OTHER))[0] == 200
    else:
        send_first = put if first == "put" else create
        assert (await send_first(gateway, OTHER)).status == 201
    if finished:
        await finish(gateway)
    before = await state(gateway)
    # When the owner of the name sends the file
    status, answer = await dropzone(gateway, FILE)
    assert (status, answer["status"]) == (409, "error")
    assert f"offset {AT} " in answer["message"]
    # The name of the file, and its spec, are the same: only the bytes differ.
    if first != "dropzone":
        for send in (put, create):
            problem = await problem_of(await send(gateway, FILE), 409, "bytes-differ")
            assert f"offset {AT} " in problem["detail"]
    chunk = await gateway.client.put(f"/api/v1/uploads/{NAME}/chunks/{AT - 2}", data=FILE[AT - 2 :])
    await problem_of(chunk, 409, "bytes-differ")
    # Then nothing has changed
    assert await state(gateway) == before
    assert await gateway.content(KEY) == OTHER
    assert gateway.bus.published == [before[1].id if before[1] else None]


@pytest.mark.parametrize("finished", [False, True])
async def test_the_same_file_is_answered_with_the_same_job(
    gateway: Gateway, finished: bool
) -> None:
    first = await (await put(gateway, FILE)).json()
    if finished:
        await finish(gateway)
    before = await state(gateway)
    for response in (
        await put(gateway, FILE),
        await put(gateway, pieces(FILE[:7], FILE[7:])),
        await create(gateway, FILE),
        await create(gateway, FILE[:20], complete="?0"),
    ):
        assert response.status == 201
        assert (await response.json())["job"] == first["job"]
    status, answer = await dropzone(gateway, FILE)
    assert (status, answer["job_id"]) == (200, first["job"].rpartition("/")[2])
    assert await state(gateway) == before


@pytest.mark.parametrize("content", [FILE + b"x", FILE[:-1], b""])
@pytest.mark.parametrize("send", ["put", "create"])
async def test_a_longer_or_shorter_file_is_another_one(
    gateway: Gateway, send: str, content: bytes
) -> None:
    await put(gateway, FILE)
    before = await state(gateway)
    fields = {**SPOKEN, "Upload_Complete": "?1"} if send == "create" else {}
    # With a length, it is not what was declared; without, it shows at its end.
    declared = await put(gateway, content, **fields)
    await problem_of(declared, 422, "idempotency-key-reused")
    undeclared = await put(gateway, pieces(content), **fields)
    await problem_of(undeclared, 409, "bytes-differ")
    assert await state(gateway) == before
    assert before[1] is not None
    assert before[1].state is JobState.PENDING


async def test_a_file_whose_digest_is_declared_again_is_not_read(gateway: Gateway) -> None:
    digest = content_digest(FILE)
    first = await (await put(gateway, FILE, Content_Digest=digest)).json()
    again = await put(gateway, OTHER, Content_Digest=digest)
    assert (again.status, (await again.json())["job"]) == (201, first["job"])
    other = await put(gateway, OTHER, Content_Digest=content_digest(OTHER))
    await problem_of(other, 422, "idempotency-key-reused")


async def test_an_interrupted_file_is_continued_with_its_own_bytes_only(gateway: Gateway) -> None:
    upload = await gateway.client.post(
        "/api/v1/uploads",
        json={"name": "plays.csv", "size": len(FILE)},
        headers={"Idempotency-Key": NAME},
    )
    await gateway.client.put(f"{upload.headers['Location']}/chunks/0", data=FILE[: AT + 1])
    before = await state(gateway)
    await problem_of(await put(gateway, OTHER), 409, "bytes-differ")
    assert await state(gateway) == before
    assert (await put(gateway, FILE)).status == 201
    assert await gateway.content(KEY) == FILE


async def test_an_append_over_a_chunk_with_other_bytes_is_refused(gateway: Gateway) -> None:
    created = await gateway.client.post(
        "/api/tus", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(FILE))}
    )
    upload_id = created.headers["Location"].rpartition("/")[2]
    await gateway.client.put(f"/api/v1/uploads/{upload_id}/chunks/{AT}", data=FILE[AT:])
    fields = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    refused = await gateway.client.patch(f"/api/tus/{upload_id}", data=OTHER, headers=fields)
    assert refused.status == 409
    assert f"offset {AT} " in (await refused.json())["message"]
    taken = await gateway.client.patch(f"/api/tus/{upload_id}", data=FILE, headers=fields)
    assert (taken.status, taken.headers["Upload-Offset"]) == (204, str(len(FILE)))


async def test_a_file_whose_bytes_were_removed_cannot_be_compared_and_is_refused(
    gateway: Gateway,
) -> None:
    await put(gateway, FILE)
    job = await finish(gateway)
    await gateway.blobs.delete(KEY)
    for content in (FILE, OTHER):
        for send in (put, create):
            problem = await problem_of(await send(gateway, content), 409, "input-removed")
            assert str(job.id) in problem["detail"]
    assert await gateway.jobs.get(job.id) == job


async def test_a_file_is_not_taken_for_a_removed_one_whose_job_has_ended(gateway: Gateway) -> None:
    _, answer = await dropzone(gateway, OTHER)
    job = await finish(gateway)
    await gateway.blobs.delete(KEY)
    status, refusal = await dropzone(gateway, FILE)
    assert status == 409
    assert answer["job_id"] in refusal["message"]
    chunk = await gateway.client.put(f"/api/v1/uploads/{NAME}/chunks/0", data=FILE)
    await problem_of(chunk, 409, "input-removed")
    assert await gateway.jobs.get(job.id) == job


async def test_a_digest_shows_that_a_file_is_the_removed_one(gateway: Gateway) -> None:
    first = await (await put(gateway, FILE, Content_Digest=content_digest(FILE))).json()
    await finish(gateway)
    await gateway.blobs.delete(KEY)
    again = await put(gateway, FILE, Content_Digest=content_digest(FILE))
    assert (again.status, (await again.json())["job"]) == (201, first["job"])
    for content, fields in (
        (OTHER, {"Content_Digest": content_digest(OTHER)}),
        (FILE, {}),  # as with a kept file, the digest belongs to what was declared
    ):
        await problem_of(await put(gateway, content, **fields), 422, "idempotency-key-reused")
    view = await (await gateway.client.get(f"/api/v1/uploads/{NAME}")).json()
    assert view["sha256"] == sha256(FILE)


async def test_an_upload_whose_job_was_cancelled_keeps_it(gateway: Gateway) -> None:
    first = await (await put(gateway, FILE)).json()
    await gateway.client.delete(first["job"])
    again = await (await put(gateway, FILE)).json()
    assert again["job"] == first["job"]
    status, answer = await dropzone(gateway, FILE)
    assert (status, answer["job_id"]) == (200, first["job"].rpartition("/")[2])


async def test_the_job_of_an_older_version_is_taken_for_that_of_the_bytes(
    gateway: Gateway,
) -> None:
    await gateway.blobs.create(KEY, len(FILE))
    job = await gateway.jobs.create(
        upload_id=upload_id_of(NAME),
        input_key=KEY,
        input_size=len(FILE),
        filename="plays.csv",
        aggregation=SONG_PLAYS,
        max_attempts=3,
        now=time.time(),
    )
    status, answer = await dropzone(gateway, FILE)
    assert (status, answer["job_id"]) == (200, str(job.id))


async def test_another_name_is_free(gateway: Gateway) -> None:
    await put(gateway, OTHER)
    response = await gateway.client.put(WHOLE, data=FILE, headers={"Idempotency-Key": str(uuid4())})
    assert response.status == 201
    job_id = (await response.json())["job"].rpartition("/")[2]
    assert job_id in {str(each) for each in gateway.bus.published}
