"""A disk of real services becomes full, and has space again later."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp

from csvmill.client import AsyncClient
from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import result_key, upload_key
from shared.errors import BlobNotFound
from shared.jobs.job import JobState
from tests.chunks import get, send_chunk
from tests.contract.job_stores import open_store
from tests.integration.plays import PLAYS, RESULT, result_of, song_plays
from tests.services import Services, listening, until
from tests.tiny_disk import TinyDisk, tiny_disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shared.jobs.job import Attempt
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess

MIB = 1 << 20
WAIT = 30.0
MANY = 1000
"""Attempts of a job: enough time for the test to free space."""


def plays_of_many_songs(size: int) -> bytes:
    """Return about `size` bytes with a result of about the same size: each song is played once."""
    return song_plays(size // 35, songs=size)


def result_of_many_songs(content: bytes) -> bytes:
    """Return the expected result of a file in which each song is played once: its rows, sorted."""
    _, *rows = content.splitlines(keepends=True)
    return RESULT.splitlines(keepends=True)[0] + b"".join(sorted(rows))


@contextmanager
def services_on_a_tiny_disk(
    tmp_path: Path, services: Services, size: int
) -> Iterator[tuple[Services, TinyDisk]]:
    """Storage that keeps its blobs on a disk of `size` bytes."""
    with (
        tiny_disk(tmp_path / "tiny", size) as disk,
        Services(tmp_path / "services", services.database_url, services.broker_url) as own,
    ):
        own.data_dir = disk.path / "data"
        yield own, disk


async def result(gateway: ServiceProcess, job_id: str) -> bytes:
    async with AsyncClient(gateway.url) as client:
        await client.wait(job_id, timeout=WAIT)
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{gateway.url}/api/download_file/{job_id}") as response,
    ):
        return await response.read()


async def failed_attempts(store: SqlJobStore, job_id: str) -> Sequence[Attempt]:
    """Wait for the first failed attempt; return all failed attempts."""

    async def one_failed() -> bool:
        return any(a.outcome == "failure" for a in await store.attempts(UUID(job_id)))

    await until(one_failed)
    return [a for a in await store.attempts(UUID(job_id)) if a.outcome == "failure"]


async def test_an_upload_continues_from_its_offset_when_the_disk_has_space_again(
    tmp_path: Path, services: Services
) -> None:
    content = plays_of_many_songs(3 * MIB)
    half = len(content) // 2
    with services_on_a_tiny_disk(tmp_path, services, 8 * MIB) as (own, disk):
        storage, gateway = own.storage(), own.gateway()
        listening(storage, gateway)
        assert (await send_chunk(gateway.url, "full", content, stop=half)).status == 200
        # When others take the space of a chunk
        disk.resize(2 * MIB)
        refusal = await send_chunk(gateway.url, "full", content, start=half)
        # Then it is refused with 507, and acknowledged bytes are kept
        assert refusal.status == 507
        assert "no disk space left" in refusal.body["message"]
        async with own.blobs() as blobs:
            info = await blobs.info(upload_key(upload_id_of("full")))
        assert [(held.start, held.stop) for held in info.received] == [(0, half)]
        assert storage.returncode is None
        # And the same chunk completes the upload once there is space
        disk.resize(32 * MIB)
        job_id = (await send_chunk(gateway.url, "full", content, start=half)).job_id
        with own.processor():
            assert await result(gateway, job_id) == result_of_many_songs(content)


async def test_storage_started_on_a_full_disk_serves_its_blobs(
    tmp_path: Path, services: Services
) -> None:
    content = song_plays(3000)
    half = len(content) // 2
    with services_on_a_tiny_disk(tmp_path, services, 4 * MIB) as (own, disk):
        storage, gateway = own.storage(), own.gateway()
        listening(storage, gateway)
        job_id = (await send_chunk(gateway.url, "whole", PLAYS)).job_id
        assert (await send_chunk(gateway.url, "half", content, stop=half)).status == 200
        # When storage is killed, and restarted on a full disk
        storage.kill()
        disk.fill(room=0)
        listening(own.storage())
        # Then it still serves its blobs and refuses new bytes
        async with own.blobs() as blobs:
            assert (await blobs.info(upload_key(upload_id_of("whole")))).complete
        assert (await send_chunk(gateway.url, "half", content, start=half)).status == 507
        # And when there is space, everything continues
        disk.free()
        other = (await send_chunk(gateway.url, "half", content, start=half)).job_id
        with own.processor():
            assert await result(gateway, job_id) == RESULT
            assert await result(gateway, other) == result_of(content)


async def test_a_processor_reports_a_full_scratch_disk_and_continues_when_it_has_space(
    tmp_path: Path, services: Services, store: SqlJobStore
) -> None:
    content = plays_of_many_songs(2 * MIB)
    gateway = services.gateway(max_attempts=MANY)
    with (
        gateway,
        tiny_disk(tmp_path / "tiny", MIB // 2) as disk,
        services.processor(scratch_dir=disk.path),
    ):
        job_id = (await send_chunk(gateway.url, "no scratch", content)).job_id
        # Given an attempt without space for its result
        attempts = await failed_attempts(store, job_id)
        assert any("disk is full" in (a.reason or "") for a in attempts), attempts
        # Then the job will be retried, and has no result yet
        status = (await get(f"{gateway.url}/api/file_status/{job_id}")).body["job_status"]
        assert status in (JobState.RETRY, JobState.STARTED)
        assert (await get(f"{gateway.url}/api/download_file/{job_id}")).status == 400
        # And it succeeds once there is space
        disk.resize(64 * MIB)
        assert await result(gateway, job_id) == result_of_many_songs(content)


async def test_a_result_that_does_not_fit_into_storage_leaves_nothing_and_is_stored_later(
    tmp_path: Path, services: Services
) -> None:
    content = plays_of_many_songs(2 * MIB)
    with services_on_a_tiny_disk(tmp_path, services, len(content) + MIB) as (own, disk):
        storage, gateway = own.storage(), own.gateway(max_attempts=MANY)
        listening(storage, gateway)
        job_id = (await send_chunk(gateway.url, "no room for the result", content)).job_id
        async with open_store(own.database_url) as store, own.blobs() as blobs:
            with own.processor() as processor:
                failed = await failed_attempts(store, job_id)
                reasons = [attempt.reason or "" for attempt in failed]
                assert all("no disk space left for blobs" in reason for reason in reasons)

                async def nothing_is_left() -> bool:
                    # The worker removes an output after it has recorded the failure.
                    for attempt in failed:
                        with suppress(BlobNotFound):
                            await blobs.info(result_key(UUID(job_id), attempt.number))
                            return False
                    return True

                await until(nothing_is_left)
                processor.terminate(WAIT)
            disk.resize(64 * MIB)
            with own.processor():
                assert await result(gateway, job_id) == result_of_many_songs(content)
