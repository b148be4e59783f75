"""Uploads that are aggregated while they are received, and what is killed meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from contextlib import ExitStack
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import pytest

from csvmill.client import AsyncClient
from shared.inspection.sample import SAMPLE_SIZE
from tests.integration.plays import result_of, song_plays
from tests.services import Services, line, listening, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.jobs.report import Report
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess

WAIT = 60.0
PLAYS = song_plays(150_000, songs=5_000)
HALF = len(PLAYS) // 2
assert SAMPLE_SIZE < HALF


@cache
def result() -> bytes:
    """Return the expected result of PLAYS, computed when the first test needs it."""
    return result_of(PLAYS)


@pytest.fixture
def services(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[Services]:
    """Services of this test; storage listens."""
    with Services(tmp_path, database_url, broker_url) as started:
        listening(started.storage())
        yield started


@pytest.fixture
def gateway(services: Services) -> Iterator[ServiceProcess]:
    """A gateway that offers small files too. A test may kill it."""
    with services.gateway(head_start_size=SAMPLE_SIZE) as process:
        yield process


def processor(services: Services, **settings: object) -> ServiceProcess:
    return services.processor(head_start_interval=0.1, **settings)


async def declare(gateway: ServiceProcess, size: int = len(PLAYS), **declared: object) -> UUID:
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(
            f"{gateway.url}/api/v1/uploads", json={"name": "a.csv", "size": size, **declared}
        ) as response,
    ):
        return UUID((await response.json())["id"])


async def send(gateway: ServiceProcess, upload_id: UUID, offset: int, data: bytes) -> int:
    """Send a chunk; return the status of the answer."""
    url = f"{gateway.url}/api/v1/uploads/{upload_id}/chunks/{offset}"
    async with (
        aiohttp.ClientSession() as session,
        session.put(url, data=BytesIO(data)) as response,
    ):
        await response.read()
        return response.status


async def followed(store: SqlJobStore, upload_id: UUID, after: int = 0) -> int:
    """Wait until more than `after` bytes were aggregated; return the token of who did."""

    async def known() -> bool:
        found = await store.head_starts.of_upload(upload_id)
        progress = None if found is None else found.progress
        return progress is not None and progress.bytes_done > after

    await until(known, WAIT)
    found = await store.head_starts.of_upload(upload_id)
    assert found is not None
    return found.token


async def ended_well(gateway: ServiceProcess, store: SqlJobStore, upload_id: UUID) -> Report:
    """Check the result of the upload's job; return its report."""
    job = await store.of_upload(upload_id)
    assert job is not None
    async with AsyncClient(gateway.url) as client:
        await client.wait(str(job.id), timeout=WAIT)
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{gateway.url}/api/download_file/{job.id}") as response,
    ):
        assert await response.read() == result()
    job = await store.get(job.id)
    assert job.report is not None
    assert job.attempt == 1
    return job.report


@pytest.mark.parametrize("shared_folder", [True, False], ids=["shared folder", "streamed"])
async def test_a_job_uses_what_was_aggregated_before_it_existed(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, shared_folder: bool
) -> None:
    settings = {"blob_dir": services.data_dir} if shared_folder else {}
    with processor(services, **settings):
        upload_id = await declare(gateway)
        await send(gateway, upload_id, 0, PLAYS[:HALF])
        await followed(store, upload_id)
        # Bytes behind a gap wait until it is closed.
        third = (HALF + len(PLAYS)) // 2
        await send(gateway, upload_id, third, PLAYS[third:])
        await send(gateway, upload_id, HALF, PLAYS[HALF:third])

        report = await ended_well(gateway, store, upload_id)

    assert report.head_start is not None
    assert report.head_start >= HALF
    assert report.rows.total == PLAYS.count(b"\n") - 1


@pytest.mark.parametrize("shared_folder", [True, False], ids=["shared folder", "streamed"])
async def test_a_request_of_unknown_length_is_aggregated_while_it_comes(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, shared_folder: bool
) -> None:
    settings = {"blob_dir": services.data_dir} if shared_folder else {}

    async def body() -> AsyncIterator[bytes]:
        # A client that is slow, but not silent
        yield PLAYS[:HALF]
        at, following = HALF, asyncio.ensure_future(followed(store, upload_id))
        while not following.done():
            yield PLAYS[at : at + 100]
            at += 100
            await asyncio.wait([following], timeout=0.1)
        await following
        yield PLAYS[at:]

    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    with processor(services, **settings):
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            deferred = {**tus, "Upload-Defer-Length": "1"}
            async with session.post(f"{gateway.url}/api/tus", headers=deferred) as response:
                url = response.headers["Location"]
            upload_id = UUID(url.rpartition("/")[2])
            begin = {**tus, "Upload-Offset": "0"}
            async with session.patch(url, data=body(), headers=begin):
                pass
            end = {**tus, "Upload-Offset": str(len(PLAYS)), "Upload-Length": str(len(PLAYS))}
            async with session.patch(url, headers=end) as response:
                assert response.headers["Csvmill-Job"]

        report = await ended_well(gateway, store, upload_id)

    assert report.head_start is not None
    assert report.head_start > 0
    assert report.bytes_in == len(PLAYS)


@pytest.mark.parametrize("shared_folder", [True, False], ids=["shared folder", "streamed"])
async def test_a_compressed_file_is_aggregated_while_it_comes(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, shared_folder: bool
) -> None:
    packed = gzip.compress(PLAYS, compresslevel=0)
    settings = {"blob_dir": services.data_dir} if shared_folder else {}
    with processor(services, **settings):
        upload_id = await declare(gateway, len(packed))
        await send(gateway, upload_id, 0, packed[:HALF])
        await followed(store, upload_id)
        await send(gateway, upload_id, HALF, packed[HALF:])

        report = await ended_well(gateway, store, upload_id)

    assert report.head_start is not None
    assert report.head_start >= HALF


async def test_another_processor_starts_over_when_the_one_that_follows_is_killed(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(processor(services))
        upload_id = await declare(gateway)
        await send(gateway, upload_id, 0, PLAYS[:HALF])
        token = await followed(store, upload_id)
        second = stack.enter_context(processor(services))
        await line(second, "consuming from")

        first.kill()

        async def taken() -> bool:
            found = await store.head_starts.of_upload(upload_id)
            return found is not None and found.token > token and found.progress is not None

        await until(taken, WAIT)
        await send(gateway, upload_id, HALF, PLAYS[HALF:])
        report = await ended_well(gateway, store, upload_id)

    assert report.head_start is not None


async def test_a_job_whose_head_start_is_lost_at_its_end_runs_as_usual(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(processor(services))
        upload_id = await declare(gateway)
        await send(gateway, upload_id, 0, PLAYS[:HALF])
        await followed(store, upload_id)
        stack.enter_context(processor(services, head_starts=0))

        first.kill()
        killed_at = time.time()
        await send(gateway, upload_id, HALF, PLAYS[HALF:])
        report = await ended_well(gateway, store, upload_id)

    assert report.head_start is None
    job = await store.of_upload(upload_id)
    assert job is not None
    assert job.finished_at is not None
    assert job.finished_at < killed_at + 20


async def test_storage_and_gateway_may_be_killed_meanwhile(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    # Without a shared folder, bytes of a storage that was killed were read over HTTP.
    with processor(services) as following, ExitStack() as stack:
        upload_id = await declare(gateway)
        await send(gateway, upload_id, 0, PLAYS[:HALF])
        await followed(store, upload_id)

        gateway.kill()
        again = stack.enter_context(services.gateway(head_start_size=SAMPLE_SIZE))
        services.storages[-1].kill()
        listening(services.storage())
        third = (HALF + len(PLAYS)) // 2
        await send(again, upload_id, HALF, PLAYS[HALF:third])
        await followed(store, upload_id, HALF)
        await send(again, upload_id, third, PLAYS[third:])

        report = await ended_well(again, store, upload_id)
        assert following.returncode is None

    assert report.head_start is not None
    assert report.head_start > HALF


async def test_an_upload_that_is_cancelled_is_no_longer_followed(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    with processor(services) as following:
        upload_id = await declare(gateway)
        await send(gateway, upload_id, 0, PLAYS[:HALF])
        await followed(store, upload_id)
        async with AsyncClient(gateway.url) as client:
            await client.cancel_upload(str(upload_id))

        await line(following, "its head start was gone")

        async def forgotten() -> bool:
            return await store.head_starts.of_upload(upload_id) is None

        await until(forgotten)
        assert await store.of_upload(upload_id) is None


async def test_bad_rows_are_shown_while_the_upload_comes(
    services: Services, gateway: ServiceProcess, store: SqlJobStore
) -> None:
    rows = PLAYS.count(b"\n", 0, SAMPLE_SIZE) + 2
    at = PLAYS.index(b"\n", SAMPLE_SIZE) + 1
    content = PLAYS[:at] + b"a,2026-01-01,many\n" + PLAYS[at:]
    with processor(services):
        upload_id = await declare(gateway, len(content), fail_early=True)
        # The kernel reads blocks of 1 MiB.
        sent = 3 * SAMPLE_SIZE + 1
        await send(gateway, upload_id, 0, content[:sent])

        async def known() -> bool:
            found = await store.head_starts.of_upload(upload_id)
            return found is not None and bool(found.progress and found.progress.rows_rejected)

        await until(known, WAIT)
        async with aiohttp.ClientSession() as session:
            url = f"{gateway.url}/api/v1/uploads/{upload_id}"
            async with session.get(url) as response:
                shown = json.loads(await response.text())["head_start"]

        assert await send(gateway, upload_id, sent, content[sent:]) == 422
        async with AsyncClient(gateway.url) as client:
            await client.cancel_upload(str(upload_id))

    assert (shown["rows_rejected"], shown["ended"]) == (1, None)
    assert shown["first_problem"].startswith(f"line {rows}, column 3")
