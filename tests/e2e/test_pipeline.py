"""A file from upload to download, on the standalone service and on three services."""

from __future__ import annotations

import csv
import random
from typing import TYPE_CHECKING

import aiohttp
import pytest

from csvmill.client import AsyncClient, JobUnsuccessful, Refused
from csvmill.demo.sample import write_song_plays

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment

WAIT = 60.0


def total_of(rows: list[tuple[str, str, int]]) -> str:
    totals: dict[tuple[str, str], int] = {}
    for song, date, plays in rows:
        totals[song, date] = totals.get((song, date), 0) + plays
    lines = [f"{song},{date},{totals[song, date]}\n" for song, date in sorted(totals)]
    return "".join(["Song,Date,Total Number of Plays for Date\n", *lines])


async def test_shuffled_parallel_chunks_give_correct_totals(
    deployment: Deployment, tmp_path: Path
) -> None:
    # Given a file of several chunks, whose totals were computed while it was written
    plays = tmp_path / "plays.csv"
    expected = write_song_plays(plays, 60_000, songs=50, days=5)
    async with AsyncClient(deployment.url) as client:
        # When its chunks are sent in random order, several at a time
        job_id = await client.upload(
            plays, chunk_size=100_000, parallel=4, shuffle=random.Random(7)
        )
        await client.wait(job_id, timeout=WAIT)
        size = (await client.download(job_id, tmp_path / "totals.csv")).size
    # Then the result has each total once, in bytewise order
    with (tmp_path / "totals.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["Song", "Date", "Total Number of Plays for Date"]
    assert {(song, date): int(total) for song, date, total in rows} == expected.totals
    keys = [(song.encode(), date.encode()) for song, date, _ in rows]
    assert keys == sorted(set(keys))
    assert size == (tmp_path / "totals.csv").stat().st_size


async def test_a_malformed_file_fails_with_its_line_column_and_cell(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text("Song,Date,Number of Plays\na,2026-01-01,1\nb,2026-01-01,many\n")
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(plays)
        with pytest.raises(JobUnsuccessful, match=r"line 3.*Number of Plays.*'many'"):
            await client.wait(job_id, timeout=WAIT)
        assert (await client.job(job_id)).state == "FAILURE"
        with pytest.raises(Refused, match="FAILURE"):
            await client.download(job_id, tmp_path / "nothing.csv")


async def test_a_part_of_the_result_can_be_downloaded_by_range(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "Čaj in kava.csv"
    rows = [(f"s{n % 7}", f"2026-01-{n % 3 + 1:02d}", n) for n in range(500)]
    plays.write_text("Song,Date,Number of Plays\n" + "".join(f"{s},{d},{n}\n" for s, d, n in rows))
    expected = total_of(rows).encode()
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(plays)
        await client.wait(job_id, timeout=WAIT)
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{deployment.url}/api/download_file/{job_id}", headers={"Range": "bytes=10-49"}
        ) as response,
    ):
        assert response.status == 206
        assert await response.read() == expected[10:50]
        assert response.headers["Content-Range"] == f"bytes 10-49/{len(expected)}"
        assert (
            "filename*=UTF-8''%C4%8Caj%20in%20kava.csv" in response.headers["Content-Disposition"]
        )


async def test_an_upload_and_its_job_survive_a_restart_of_every_process(
    deployment: Deployment, tmp_path: Path
) -> None:
    # Given half an upload
    plays = tmp_path / "plays.csv"
    expected = write_song_plays(plays, 2_000, songs=10, days=2)
    body = plays.read_bytes()
    half = len(body) // 2
    assert await _send(deployment.url, body[:half], 0, half, len(body)) is None
    # When every process is killed and started again
    deployment.kill()
    deployment.start()
    # Then the other half completes it
    job_id = await _send(deployment.url, body[half:], half, half, len(body))
    assert job_id is not None
    async with AsyncClient(deployment.url) as client:
        await client.wait(job_id, timeout=WAIT)
        # And a finished job stays finished
        deployment.kill()
        deployment.start()
    async with AsyncClient(deployment.url) as client:
        await client.download(job_id, tmp_path / "totals.csv")
    with (tmp_path / "totals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert {(song, date): int(total) for song, date, total in rows} == expected.totals


async def test_a_job_runs_after_every_process_was_killed(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    expected = write_song_plays(plays, 500_000, songs=10, days=2, repeat=10)
    async with AsyncClient(deployment.url) as client:
        job_id = await client.upload(plays)
    # When all processes are killed and restarted shortly after the job has started
    deployment.kill()
    deployment.start()
    async with AsyncClient(deployment.url) as client:
        await client.wait(job_id, timeout=WAIT)
        await client.download(job_id, tmp_path / "totals.csv")
    with (tmp_path / "totals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert {(song, date): int(total) for song, date, total in rows} == expected.totals


async def test_services_exit_with_zero_on_sigterm(deployment: Deployment) -> None:
    assert deployment.terminate() == dict.fromkeys(deployment.names, 0)


async def _send(url: str, chunk: bytes, offset: int, size: int, total: int) -> str | None:
    form = aiohttp.FormData(
        {
            "dzuuid": "restart",
            "dzchunkbyteoffset": str(offset),
            "dzchunksize": str(size),
            "dztotalfilesize": str(total),
        }
    )
    form.add_field("file", chunk, filename="plays.csv")
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{url}/api/upload_file", data=form) as response,
    ):
        job_id: str | None = (await response.json()).get("job_id")
        return job_id
