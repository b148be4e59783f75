"""Downloads with curl, wget and raw HTTP from both deployments."""

from __future__ import annotations

import asyncio
import hashlib
import random
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.chaos.proxy import Link
from tests.download_table import ROWS, Connection, Target, check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment

ROWS_OF_INPUT = 60_000
CUTS = 4
HEADERS = 4096
"""Upper bound of the bytes of the headers of a request and its response."""

CURL = ("curl", "--silent", "--show-error", "--continue-at", "-", "--output")
# One try per run, so that another run has to resume the file.
WGET = ("wget", "--no-verbose", "--tries=1", "--continue", "--output-document")


async def finished_job(deployment: Deployment, folder: Path) -> tuple[str, bytes]:
    """Return a finished job and its expected result. Each row of the input is a group."""
    plays = folder / "plays.csv"
    songs = sorted(f"Song {n * 2654435761 % 4294967296}" for n in range(ROWS_OF_INPUT))
    with plays.open("w") as file:
        file.write("Song,Date,Number of Plays\n")
        file.writelines(f"{song},2026-01-01,{len(song)}\n" for song in songs)
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(plays)
        await client.wait(job_id, timeout=60)
    result = "Song,Date,Total Number of Plays for Date\n" + "".join(
        f"{song},2026-01-01,{len(song)}\n" for song in songs
    )
    return job_id, result.encode()


async def test_downloads_follow_rfc_9110(deployment: Deployment, tmp_path: Path) -> None:
    job_id, result = await finished_job(deployment, tmp_path)
    url = URL(deployment.url)
    assert url.host
    assert url.port
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.head(url / "api/download_file" / job_id) as response,
    ):
        modified = parsedate_to_datetime(response.headers["Last-Modified"])
    digest = hashlib.sha256(result).hexdigest()
    for path in (f"/api/download_file/{job_id}", f"/api/v1/jobs/{job_id}/result"):
        target = Target(url.host, url.port, path, result, digest, int(modified.timestamp()))
        connection = Connection(target)
        for row in ROWS:
            answer = await asyncio.to_thread(connection.ask, *row.headers, method=row.method)
            check(row, answer, target)
        connection.close()


@pytest.mark.parametrize("command", [CURL, WGET], ids=["curl", "wget"])
async def test_a_download_that_is_cut_repeatedly_is_resumed(
    deployment: Deployment, tmp_path: Path, command: tuple[str, ...]
) -> None:
    job_id, result = await finished_job(deployment, tmp_path)
    target = tmp_path / "totals.csv"
    draw = random.Random(9)
    port = URL(deployment.url).port
    assert port
    sizes = [0]
    async with Link("client to gateway", port).open() as link:
        url = f"http://127.0.0.1:{link.port}/api/download_file/{job_id}"
        for _ in range(CUTS):
            # When the connection is cut somewhere in the body
            link.cut(after=draw.randrange(100_000, len(result) // CUTS), reset=draw.random() < 0.5)
            assert await run(*command, str(target), url) != 0
            # Then the received bytes are kept and correct
            received = await asyncio.to_thread(target.read_bytes)
            assert received == result[: len(received)]
            sizes.append(len(received))
        before = link.carried
        assert await run(*command, str(target), url) == 0
        assert link.cuts == CUTS
        carried = link.carried - before
    assert await asyncio.to_thread(target.read_bytes) == result
    assert sizes == sorted(sizes)
    # And received bytes were not sent again
    assert sizes[-1] > 0
    assert carried < len(result) - sizes[-1] + HEADERS


async def run(*command: str) -> int:
    """Run a program and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        return await process.wait()
