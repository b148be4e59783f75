"""Uploads with Dropzone 6, which existing clients use, in a page of another origin (jsdom)."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import plays_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment
    from tests.e2e.foreign.conftest import RunNode

CHUNKED = {
    "chunking": True,
    "forceChunking": True,
    "chunkSize": 100_000,
    "parallelChunkUploads": 3,
    "retryChunks": True,
    "retryChunksLimit": 10,
    "acceptedFiles": ".csv",
}
ROWS = 40_000
CUTS = 6


async def result_of(url: str, job_id: str, folder: Path) -> bytes:
    """Wait until a job succeeds; return its result."""
    async with AsyncClient(url) as client:
        await client.wait(job_id, timeout=60)
        await client.download(job_id, folder / "totals.csv")
    return await asyncio.to_thread((folder / "totals.csv").read_bytes)


async def test_parallel_chunks_that_are_cut_at_random_bytes_are_repeated(
    deployment: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    plays = tmp_path / "plays.csv"
    expected = plays_file(plays, ROWS)
    draw = random.Random(3)
    port = URL(deployment.url).port
    assert port
    async with Link("page to gateway", port).open() as link:
        # When chunks, and sometimes the response to one, are cut off
        page = run_node("dropzone.mjs", f"http://127.0.0.1:{link.port}", plays, **CHUNKED)
        for n in range(CUTS):
            answers_only = n % 3 == 2
            after = draw.randrange(400) if answers_only else draw.randrange(200_000)
            link.cut(after=after, reset=draw.random() < 0.5, answers_only=answers_only)
            async with asyncio.timeout(30):
                await link.severed()
        (printed,) = await asyncio.to_thread(page.output)
    # Then Dropzone has repeated them, and there is one job with the correct result
    assert printed["retries"] >= CUTS
    (job_id,) = {answer["job_id"] for answer in printed["answers"] if "job_id" in answer}
    assert await result_of(deployment.url, job_id, tmp_path) == expected


@pytest.mark.parametrize("options", [{}, {"chunking": True, "chunkSize": 1_000_000}])
async def test_a_small_file_is_sent_in_one_request(
    standalone: Deployment, tmp_path: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    plays = tmp_path / "Čaj.csv"
    expected = plays_file(plays, 100)
    page = run_node("dropzone.mjs", standalone.url, plays, **options)
    (printed,) = await asyncio.to_thread(page.output)
    (answer,) = printed["answers"]
    assert await result_of(standalone.url, answer["job_id"], tmp_path) == expected
    async with AsyncClient(standalone.url) as client:
        assert (await client.job(answer["job_id"])).filename == "Čaj.csv"


async def test_a_refused_file_shows_the_reason(
    standalone: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    plays = tmp_path / "plays.txt"
    plays_file(plays, 100)
    page = run_node("dropzone.mjs", standalone.url, plays)
    assert await asyncio.to_thread(page.wait, 30) == 1
    page.wait_for_line("File must be a csv file", timeout=5)
