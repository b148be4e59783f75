"""The disk of the standalone service becomes full: jobs end, and everything is read and deleted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from csvmill.client import AsyncClient
from csvmill.client.errors import JobUnsuccessful
from tests.chunks import get, send_chunk
from tests.integration.plays import PLAYS, RESULT, song_plays
from tests.processes import ProcessFailed, ServiceProcess
from tests.services import until
from tests.tiny_disk import TinyDisk, tiny_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
WAIT = 60.0
SONGS = 700_000
"""Each is played once, so that the result is about as large as the file, 20 MiB."""
SPARE = "jobs.sqlite-spare"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[TinyDisk]:
    """A disk whose reserve is larger than the spare space of the database."""
    with tiny_disk(tmp_path / "tiny", 128 * MIB) as disk:
        yield disk


def serve(disk: TinyDisk, log_path: Path, **settings: str) -> ServiceProcess:
    return ServiceProcess(
        "csvmill", "serve", "--port", "0", "--data-dir", str(disk.path / "data"),
        log_path=log_path,
        env={
            "CSVMILL_LEASE": "2",
            "CSVMILL_RETRY_DELAY": "0.2",
            "CSVMILL_RELAY_INTERVAL": "0.5",
            "CSVMILL_SWEEP_INTERVAL": "0.5",
            "CSVMILL_SWEEP_GRACE": "0",
            **{f"CSVMILL_{name}": value for name, value in settings.items()},
        },
    )  # fmt: skip


async def job_of(url: str, job_id: str) -> dict[str, Any]:
    async with AsyncClient(url) as client:
        with suppress(JobUnsuccessful):
            await client.wait(job_id, timeout=WAIT)
    return (await get(f"{url}/api/v1/jobs/{job_id}")).body


async def delete(url: str, job_id: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.delete(f"{url}/api/v1/jobs/{job_id}") as r,
    ):
        return r.status


async def result(url: str, job_id: str) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/api/v1/jobs/{job_id}/result") as response,
    ):
        return response.status, await response.read()


@pytest.mark.parametrize(
    ("room", "reason"),
    [
        pytest.param(17 * MIB, "the disk is full", id="with scratch files"),
        pytest.param(33 * MIB, "no disk space left for blobs", id="with its result"),
    ],
)
async def test_a_job_that_fills_the_disk_fails_and_leaves_nothing(
    disk: TinyDisk, tmp_path: Path, room: int, reason: str
) -> None:
    with serve(disk, tmp_path / "log") as service:
        content = song_plays(SONGS, songs=SONGS)
        assert service.url
        disk.fill(room=len(content) + room)
        job_id = (await send_chunk(service.url, "large", content)).job_id
        # Each attempt fails for want of space
        job = await job_of(service.url, job_id)
        assert job["state"] == "FAILURE"
        assert reason in job["reason"]
        assert [attempt["outcome"] for attempt in job["attempts"]] == ["failure"] * 3
        # Then there is space again, and the job and its bytes can be deleted
        other = (await send_chunk(service.url, "small", PLAYS)).job_id
        assert (await job_of(service.url, other))["state"] == "SUCCESS"
        assert await delete(service.url, job_id) == 204
        disk.free()

        async def its_bytes_are_gone() -> bool:
            files = (file for file in disk.path.rglob("*") if file.is_file())
            return max(files, key=lambda file: file.stat().st_size).name == SPARE

        await until(its_bytes_are_gone)
        assert (await get(f"{service.url}/readyz")).body["status"] == "ok"


@pytest.mark.parametrize("killed", [True, False])
async def test_on_a_disk_without_a_free_byte_it_starts_serves_and_deletes(
    disk: TinyDisk, tmp_path: Path, killed: bool
) -> None:
    with serve(disk, tmp_path / "first") as service:
        job_id = (await send_chunk(service.url, "small", PLAYS)).job_id
        await job_of(service.url, job_id)
        service.kill() if killed else service.terminate(WAIT)
    disk.fill(room=0)
    with serve(disk, tmp_path / "second") as service:
        assert (await get(f"{service.url}/api/v1/jobs/{job_id}")).body["state"] == "SUCCESS"
        assert await result(service.url, job_id) == (200, RESULT)
        ready = await get(f"{service.url}/readyz")
        assert (ready.status, "space left for results only" in ready.body["storage"]) == (503, True)
        assert (await send_chunk(service.url, "another", PLAYS)).status == 507
        doctor = ("-m", "csvmill", "doctor", "--server", service.url)
        told = await asyncio.to_thread(
            subprocess.run, [sys.executable, *doctor], check=False, capture_output=True, text=True
        )
        assert (told.returncode, "free space on the disk of the server" in told.stdout) == (1, True)
        assert await delete(service.url, job_id) == 204


async def test_without_spare_space_it_tells_that_the_disk_is_full_while_it_runs(
    disk: TinyDisk, tmp_path: Path
) -> None:
    with serve(disk, tmp_path / "log") as service:
        await job_of(service.url, (await send_chunk(service.url, "small", PLAYS)).job_id)
        # Filled before, so that there is never enough space to make it again
        disk.fill(room=0)
        (disk.path / "data" / SPARE).unlink(missing_ok=True)
        disk.fill(room=0)
        ready = (await get(f"{service.url}/readyz")).body
        assert ready["database"] == "database: the disk is full; free some space"


async def test_without_any_space_it_says_at_its_start_that_the_disk_is_full(
    disk: TinyDisk, tmp_path: Path
) -> None:
    with serve(disk, tmp_path / "first") as service:
        await job_of(service.url, (await send_chunk(service.url, "small", PLAYS)).job_id)
        service.terminate(WAIT)
    (disk.path / "data" / SPARE).unlink(missing_ok=True)
    disk.fill(room=0)
    with serve(disk, tmp_path / "second") as service:
        with pytest.raises(ProcessFailed, match="the disk is full; free some space"):
            await asyncio.to_thread(lambda: service.url)
        assert service.wait(WAIT) == 1


async def test_a_file_that_cannot_fit_is_refused_before_it_is_sent(
    disk: TinyDisk, tmp_path: Path
) -> None:
    with serve(disk, tmp_path / "log") as service:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{service.url}/api/v1/uploads", json={"name": "a.csv", "size": 170 * MIB}
            ) as response,
        ):
            assert response.status == 507
            assert "a file of 178,257,920 bytes" in (await response.json())["detail"]
        # And others have all the space
        assert (await send_chunk(service.url, "small", PLAYS)).status == 200


async def test_a_job_is_cancelled_while_the_disk_is_full(disk: TinyDisk, tmp_path: Path) -> None:
    with serve(disk, tmp_path / "log", RETRY_DELAY="3600") as service:
        content = song_plays(SONGS, songs=SONGS)
        assert service.url
        disk.fill(room=len(content) + 17 * MIB)
        job_id = (await send_chunk(service.url, "large", content)).job_id

        async def waits_for_its_next_attempt() -> bool:
            return bool((await get(f"{service.url}/api/v1/jobs/{job_id}")).body["state"] == "RETRY")

        await until(waits_for_its_next_attempt)
        # When others take the rest of the disk, but not the spare space: the database gives that up
        # to them too if it is written to at the same time
        disk.fill(room=0)
        while not (disk.path / "data" / SPARE).exists():
            disk.fill(room=32 * MIB)
            await job_of(service.url, (await send_chunk(service.url, "small", PLAYS)).job_id)
            disk.fill(room=0)
        assert await delete(service.url, job_id) == 200
        assert (await get(f"{service.url}/api/v1/jobs/{job_id}")).body["state"] == "REVOKED"
