"""Following a job through the API, on the standalone service and on three services."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import aiohttp

from csvmill.client import AsyncClient
from tests import slow_file
from tests.sse import EventReader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment

WAIT = 60.0
ROWS = 3_000_000
"""Many more than the rows on their way to the kernel, which are read, but not counted yet."""
BLOCK = 50_000


async def test_the_events_of_a_long_job_show_its_progress(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv.bz2"
    numbers = random.Random(1)
    block = [f"song {n % 50},2026-01-01,{numbers.randrange(1000)}\n" for n in range(BLOCK)]
    header = b"Song,Date,Number of Plays\n"
    plays.write_bytes(slow_file.bzip2(header, "".join(block).encode(), ROWS // BLOCK))
    size = plays.stat().st_size
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(plays)
        events = [event async for event in client.events(job_id)]
        job = await client.job(job_id)
    end = events.pop()
    assert (end.state, end.progress.percent, end.progress.eta) == ("SUCCESS", 100.0, 0.0)
    assert (end.progress.bytes_done, end.progress.rows_done) == (size, ROWS)
    assert not end.progress.rows_estimated
    assert job.progress == end.progress
    underway = [event.progress for event in events if event.state == "STARTED"]
    assert all(progress.bytes_total == size for progress in underway)
    between = [progress for progress in underway if 0 < progress.bytes_done < size]
    assert between
    for progress in between:
        assert progress.percent == progress.bytes_done * 1000 // size / 10
    counted = [progress for progress in between if progress.rows_done is not None]
    assert counted
    for progress in counted:
        assert progress.rows_done is not None
        assert abs(progress.rows_done / ROWS - progress.bytes_done / size) < 0.2
    assert any(progress.eta is not None for progress in counted)


async def test_a_job_can_be_followed_as_soon_as_it_exists(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
    async with (
        AsyncClient(deployment.url) as client,
        aiohttp.ClientSession(deployment.url) as session,
    ):
        upload = await client.create_upload("plays.csv", plays.stat().st_size)
        async with session.get(f"/api/v1/jobs/{upload.id}/events") as response:
            assert response.status == 404
        job_id = await client.upload(plays)
        async with session.get(f"/api/v1/jobs/{job_id}/events") as response:
            assert response.status == 200
            events = await EventReader(response).rest()
        assert events[0].kind == "state"
        assert events[-1].data["state"] == "FAILURE"
        assert "'many'" in events[-1].data["reason"]
        seen = {"Last-Event-ID": events[-1].id}
        async with session.get(f"/api/v1/jobs/{job_id}/events", headers=seen) as response:
            assert response.status == 204
