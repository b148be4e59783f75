"""The client sends a file in one request, and the connection breaks."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from csvmill.client import (
    AsyncClient,
    Refused,
    Retries,
    ServerUnavailable,
    TransferProgress,
)
from tests.e2e.runs import HEADER, link_to, result_of, settled
from tests.services import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment

WAIT = 120.0
MIB = 1 << 20
SIZE = 48 * MIB
"""Bytes: more than the server's parser reads, and several of the portions that storage records."""
SONGS = 3_000
PATIENT = Retries(attempts=None, within=WAIT)


def write_large_file(path: Path) -> bytes:
    """Write a file of `SIZE` bytes or a little more; return the result."""
    lines = [f"song {'x' * 400} {number % SONGS},2026-01-01,1\n" for number in range(SONGS)]
    times = SIZE // sum(map(len, lines)) + 1
    path.write_text(HEADER + "".join(lines) * times)
    return result_of(line.replace(",1\n", f",{times}\n") for line in lines)


async def check_result(client: AsyncClient, job_id: str, folder: Path, expected: bytes) -> None:
    await client.wait(job_id, timeout=WAIT)
    await client.download(job_id, folder / "totals.csv")
    assert (folder / "totals.csv").read_bytes() == expected


@pytest.mark.parametrize("reset", [False, True])
async def test_an_upload_continues_after_broken_connections(
    deployment: Deployment, tmp_path: Path, reset: bool
) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    size = (tmp_path / "plays.csv").stat().st_size
    seen: list[TransferProgress] = []
    draw = random.Random(3)
    async with link_to(deployment.url) as link:
        async with AsyncClient(f"http://127.0.0.1:{link.port}", retries=PATIENT) as client:
            link.cut(after=draw.randrange(10 * MIB, 40 * MIB), reset=reset)
            uploading = asyncio.create_task(
                client.upload(tmp_path / "plays.csv", progress=seen.append)
            )
            await link.severed()
            link.cut(after=draw.randrange(MIB), reset=reset)
            job_id = await uploading
        assert link.cuts == 2
        # Bytes that had been recorded were not sent again.
        assert link.carried < size + 3 * 16 * MIB
    assert seen[-1] == TransferProgress(size, size, 0)
    async with AsyncClient(deployment.url) as client:
        await check_result(client, job_id, tmp_path, expected)


async def test_a_lost_answer_creates_no_second_job(deployment: Deployment, tmp_path: Path) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    key = f"lost {tmp_path}"
    async with link_to(deployment.url) as link:
        async with AsyncClient(f"http://127.0.0.1:{link.port}", retries=PATIENT) as client:
            # Two answers, to the creation and to the file, have more bytes together.
            link.cut(after=700, reset=True, answers_only=True)
            job_id = await client.upload(tmp_path / "plays.csv", key=key)
        assert link.cuts == 1
    async with AsyncClient(deployment.url) as client:
        assert (await client.upload_status(key)).job_id == job_id
        await check_result(client, job_id, tmp_path, expected)


async def test_a_cancelled_upload_is_continued_by_its_key(
    deployment: Deployment, tmp_path: Path
) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    size = (tmp_path / "plays.csv").stat().st_size
    seen: list[TransferProgress] = []
    key = f"continued {tmp_path}"
    async with link_to(deployment.url) as link:
        async with AsyncClient(f"http://127.0.0.1:{link.port}") as client:
            link.stall(after=30 * MIB)
            uploading = asyncio.create_task(client.upload(tmp_path / "plays.csv", key=key))
            await link.stalled.wait()
            uploading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await uploading
        link.flow()
    async with AsyncClient(deployment.url) as client:
        held = await settled(client, key)
        assert 8 * MIB <= held < size
        job_id = await client.upload(tmp_path / "plays.csv", key=key, progress=seen.append)
        assert seen[0] == TransferProgress(held, size, held)
        await check_result(client, job_id, tmp_path, expected)


async def test_an_upload_that_is_cancelled_meanwhile_ends(
    deployment: Deployment, tmp_path: Path
) -> None:
    write_large_file(tmp_path / "plays.csv")
    key = f"removed {tmp_path}"
    async with (
        AsyncClient(deployment.url) as other,
        link_to(deployment.url) as link,
        AsyncClient(f"http://127.0.0.1:{link.port}") as client,
    ):
        link.stall(after=20 * MIB)
        uploading = asyncio.create_task(client.upload(tmp_path / "plays.csv", key=key))
        await link.stalled.wait()
        await other.cancel_upload(key)
        link.flow()
        with pytest.raises(Refused) as error:
            await uploading
    assert error.value.status == 404


async def test_a_killed_server_keeps_what_it_recorded(
    deployment: Deployment, tmp_path: Path
) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    size = (tmp_path / "plays.csv").stat().st_size
    seen: list[TransferProgress] = []
    key = f"killed {tmp_path}"
    async with (
        link_to(deployment.url) as link,
        AsyncClient(f"http://127.0.0.1:{link.port}", retries=Retries(attempts=1)) as client,
    ):
        link.stall(after=36 * MIB)
        uploading = asyncio.create_task(client.upload(tmp_path / "plays.csv", key=key))
        await link.stalled.wait()
        # What the link has carried may still be in the buffers of the connections: 24 MiB of it, if
        # storage does not get to read.
        async with AsyncClient(deployment.url) as watching:

            async def recorded() -> bool:
                return (await watching.upload_status(key)).received_bytes >= 8 * MIB

            await until(recorded)
        await asyncio.to_thread(deployment.kill)
        link.flow()
        with pytest.raises(ServerUnavailable):
            await uploading
    await asyncio.to_thread(deployment.start)
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(tmp_path / "plays.csv", key=key, progress=seen.append)
        assert 8 * MIB <= seen[0].held < size
        await check_result(client, job_id, tmp_path, expected)
