"""Dropzone 6 in a page of another origin (jsdom): existing clients upload with it."""

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
    """The result of a job that has to succeed."""
    async with AsyncClient(url) as client:
        await client.wait(job_id, timeout=60)
        await client.download(job_id, folder / "totals.csv")
    return await asyncio.to_thread((folder / "totals.csv").read_bytes)


async def test_parallel_chunks_through_a_line_that_is_cut_at_random_bytes(
    deployment: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    plays = tmp_path / "plays.csv"
    expected = plays_file(plays, ROWS)
    draw = random.Random(3)
    port = URL(deployment.url).port
    assert port
    async with Link("page to gateway", port).open() as link:
        # When chunks, and now and then the answer to one, are cut off
        page = run_node("dropzone.mjs", f"http://127.0.0.1:{link.port}", plays, **CHUNKED)
        for n in range(CUTS):
            answers_only = n % 3 == 2
            after = draw.randrange(400) if answers_only else draw.randrange(200_000)
            link.cut(after=after, reset=draw.random() < 0.5, answers_only=answers_only)
            async with asyncio.timeout(30):
                await link.severed()
        (said,) = await asyncio.to_thread(page.says)
    # Then Dropzone has repeated what was cut off, and there is one job, with the right result.
    assert said["retries"] >= CUTS
    (job_id,) = {answer["job_id"] for answer in said["answers"] if "job_id" in answer}
    assert await result_of(deployment.url, job_id, tmp_path) == expected


@pytest.mark.parametrize("options", [{}, {"chunking": True, "chunkSize": 1_000_000}])
async def test_a_small_file_goes_in_one_request(
    standalone: Deployment, tmp_path: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    plays = tmp_path / "Čaj.csv"
    expected = plays_file(plays, 100)
    page = run_node("dropzone.mjs", standalone.url, plays, **options)
    (said,) = await asyncio.to_thread(page.says)
    (answer,) = said["answers"]
    assert await result_of(standalone.url, answer["job_id"], tmp_path) == expected
    async with AsyncClient(standalone.url) as client:
        assert (await client.job(answer["job_id"])).filename == "Čaj.csv"


async def test_a_file_that_is_refused_is_refused_with_the_reason(
    standalone: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    plays = tmp_path / "plays.txt"
    plays_file(plays, 100)
    page = run_node("dropzone.mjs", standalone.url, plays)
    assert await asyncio.to_thread(page.wait, 30) == 1
    page.wait_for_line("File must be a csv file", timeout=5)
