"""Resumable uploads for HTTP, interop version 8: broken connections and interim responses."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.protocols.ietf import interim
from shared.blobs.client import HttpBlobs
from shared.errors import AppendLeaseLost
from shared.jobs.job import JobState
from tests.blob_backends import TOKEN, storage_server
from tests.interims import Connection
from tests.unit.gateway.ietf import (
    CONTENT,
    MIB,
    SIZE,
    SPOKEN,
    URL,
    append,
    ask,
    content_of,
    create,
    created,
    hanging,
    upload_state,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway, Start


# 4.5 Cancellation, 4.6 concurrency


async def test_a_cancelled_upload_is_removed_and_its_job_revoked(gateway: Gateway) -> None:
    path = await created(gateway, b"abc")
    await ask(gateway, "DELETE", path, 204)
    await ask(gateway, "HEAD", path, 404)
    await append(gateway, path, 3, b"d", 404)
    done = await create(gateway, b"abc", Upload_Complete="?1")
    path = done.headers["Location"]
    await ask(gateway, "DELETE", path, 204)
    await ask(gateway, "HEAD", path, 410)
    await append(gateway, path, 3, b"d", 410)
    job = done.headers["Csvmill-Job"].rpartition("/")[2]
    assert (await gateway.jobs.get(UUID(job))).state is JobState.REVOKED


async def test_cancelling_an_upload_aborts_an_append_that_hangs(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    async with hanging(gateway, path, CONTENT[:100_000]) as connection:
        await appends.taken(100_000)
        await ask(gateway, "DELETE", path, 204)
        assert (await connection.answer()).status == 409
    assert isinstance(appends.outcomes[-1], AppendLeaseLost)


async def test_bytes_received_before_the_connection_broke_are_kept(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    async with hanging(gateway, path, CONTENT[:200_000]) as connection:
        await appends.taken(200_000)
        connection.abort()
        await appends.ended(2)
    # Though the interrupted request was to complete it
    assert await upload_state(gateway, path) == ("?0", 200_000, SIZE)
    await append(gateway, path, 200_000, CONTENT[200_000:], 201)
    assert await content_of(gateway, path) == CONTENT


async def test_an_interrupted_creation_is_continued_at_the_location_of_the_104(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    headers = {**SPOKEN, "Upload-Complete": "?1", "Content-Length": str(SIZE)}
    async with Connection(gateway.address) as connection:
        await connection.send(f"POST {URL}", headers, CONTENT[:200_000])
        interim = await connection.interim()
        await appends.taken(200_000)
        connection.abort()
        await appends.ended(1)
    path = interim["Location"]
    assert await upload_state(gateway, path) == ("?0", 200_000, SIZE)
    await append(gateway, path, 200_000, CONTENT[200_000:], 201)
    assert await content_of(gateway, path) == CONTENT


async def test_a_request_on_another_gateway_aborts_an_append_that_hangs(
    start_gateway: Start, gateway: Gateway, appends: AppendingBlobs, tmp_path: Path
) -> None:
    # Given two gateways that share storage, over HTTP, and the database
    async with (
        storage_server(tmp_path, appends) as url,
        HttpBlobs(url, TOKEN) as one,
        HttpBlobs(url, TOKEN) as other,
    ):
        first = await start_gateway(folder="a", blobs=lambda _: one, jobs=lambda _: gateway.jobs)
        second = await start_gateway(folder="b", blobs=lambda _: other, jobs=lambda _: gateway.jobs)
        path = await created(first)
        # When the connection to one of them hangs
        async with hanging(first, path, CONTENT[:200_000]) as connection:
            await appends.taken(200_000)
            # Then the other has the right offset at once, and takes the rest
            assert await upload_state(second, path) == ("?0", 200_000, SIZE)
            last = await append(second, path, 200_000, CONTENT[200_000:], 201)
            assert last.headers["Csvmill-Job"]
            assert (await connection.answer()).status == 409
        assert await content_of(gateway, path) == CONTENT


# 5. 104 (Upload Resumption Supported)


async def test_a_104_with_the_location_is_sent_before_the_content_is_received(
    gateway: Gateway,
) -> None:
    headers = {**SPOKEN, "Upload-Complete": "?1", "Content-Length": str(SIZE)}
    async with Connection(gateway.address) as connection:
        await connection.send(f"POST {URL}", headers, b"")
        interim = await connection.interim()
        await connection.write(CONTENT)
        answer = await connection.answer()
        assert answer.status == 201
        assert interim["Upload-Draft-Interop-Version"] == "8"
        assert interim["Location"] == answer.headers["Location"]
        assert interim["Upload-Limit"] == "max-size=1099511627776, max-age=86400"
        # The connection stays in use, in order.
        await connection.send(f"HEAD {interim['Location']}", SPOKEN, b"")
        head = await connection.answer(no_content=True)
        assert (head.status, head.headers["Upload-Complete"]) == (204, "?1")


async def test_progress_reports_only_recorded_bytes(
    gateway: Gateway, appends: AppendingBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interim, "PROGRESS_INTERVAL", 0.0)
    content = random.Random(1).randbytes(40 * MIB)
    path = await created(gateway)
    headers = {
        **SPOKEN, "Upload-Complete": "?1", "Upload-Offset": "0",
        "Content-Length": str(len(content)), "Content-Type": "application/partial-upload",
    }  # fmt: skip
    async with Connection(gateway.address) as connection:
        await connection.send(f"PATCH {path}", headers, content[: 39 * MIB])
        offsets = [int((await connection.interim())["Upload-Offset"]) for _ in range(2)]
        connection.abort()
        await appends.ended(2)
    assert 0 < offsets[0] < offsets[1] <= 39 * MIB
    assert all("Location" not in each for each in connection.interims)
    assert await upload_state(gateway, path) >= ("?0", offsets[1], len(content))


async def test_no_interim_response_is_sent_to_http_1_0(gateway: Gateway) -> None:
    headers = {**SPOKEN, "Upload-Complete": "?1", "Content-Length": "3"}
    async with Connection(gateway.address) as connection:
        await connection.send(f"POST {URL}", headers, b"a\n1", version="1.0")
        answer = await connection.answer()
    assert (answer.status, connection.interims) == (201, [])
    assert answer.headers["Upload-Complete"] == "?1"


async def test_a_client_that_waits_for_100_gets_both(gateway: Gateway) -> None:
    headers = {**SPOKEN, "Upload-Complete": "?1", "Content-Length": str(SIZE)}
    async with Connection(gateway.address) as connection:
        await connection.send(f"POST {URL}", {**headers, "Expect": "100-continue"}, CONTENT)
        assert (await connection.answer()).status == 201
    assert len(connection.interims) == 1
