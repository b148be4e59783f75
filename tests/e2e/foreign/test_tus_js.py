"""tus-js-client uploads: plainly, in parallel parts, killed and resumed, and cut off."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import check_result, plays_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment
    from tests.e2e.foreign.conftest import RunNode

ROWS = 40_000
CUTS = 6
WAYS: dict[str, dict[str, object]] = {
    "at once": {},
    "in chunks": {"chunkSize": 200_000},
    "in parallel": {"parallelUploads": 3},
    "size told at the end": {"chunkSize": 500_000, "uploadLengthDeferred": True},
}


# What tus-js-client knows as the draft's revision -05 (interop version 6) has the fields of version
# 8, if only it says so. It has no name for a file but in the URL; and of a file, unlike of what is
# in memory, it does not say which part is the last, if it is not the whole.
IETF: dict[str, object] = {
    "protocol": "ietf-draft-05",
    "headers": {"Upload-Draft-Interop-Version": "8"},
    "inMemory": True,
}
IETF_PATH = "/api/v1/uploads?name=plays.csv"


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS.keys())
async def test_a_file_becomes_a_job(
    standalone: Deployment, tmp_path: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    expected = plays_file(tmp_path / "plays.csv", ROWS)
    client = run_node("tus.mjs", f"{standalone.url}/api/tus/", tmp_path / "plays.csv", **options)
    said = await asyncio.to_thread(client.says)
    await check_result(standalone.url, said[-1]["job"], expected, tmp_path)


async def test_one_that_was_killed_goes_on_where_it_was(
    standalone: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    plays = tmp_path / "plays.csv"
    expected = plays_file(plays, ROWS)
    endpoint = f"{standalone.url}/api/tus/"
    options = {"chunkSize": 100_000, "store": str(tmp_path / "urls.json")}
    # When the client is killed in the middle of the file
    client = run_node("tus.mjs", endpoint, plays, **options)
    await asyncio.to_thread(client.wait_for_line, '{"sent":800000}', timeout=30)
    client.kill()
    # Then the next one finds the upload, and sends the rest only.
    said = await asyncio.to_thread(run_node("tus.mjs", endpoint, plays, **options).says)
    assert said[0] == {"resumed": True}
    assert 900_000 <= said[1]["sent"] <= plays.stat().st_size
    await check_result(standalone.url, said[-1]["job"], expected, tmp_path)


async def test_one_whose_line_is_cut_at_random_bytes_goes_on(
    standalone: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    await upload_through_cuts(standalone.url, "/api/tus/", tmp_path, run_node, WAYS["at once"])


async def test_parallel_parts_whose_lines_are_cut_at_random_bytes_go_on(
    deployment: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    await upload_through_cuts(deployment.url, "/api/tus/", tmp_path, run_node, WAYS["in parallel"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": 200_000},
        {"uploadDataDuringCreation": True},
        {"uploadLengthDeferred": True},
    ],
    ids=["at once", "in chunks", "with the creation", "size told at the end"],
)
async def test_a_file_becomes_a_job_by_the_draft_of_the_ietf(
    standalone: Deployment, tmp_path: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    expected = plays_file(tmp_path / "plays.csv", ROWS)
    endpoint = standalone.url + IETF_PATH
    client = run_node("tus.mjs", endpoint, tmp_path / "plays.csv", **IETF, **options)
    said = await asyncio.to_thread(client.says)
    await check_result(standalone.url, said[-1]["job"], expected, tmp_path)


async def test_one_by_the_draft_of_the_ietf_goes_on_when_its_line_is_cut(
    deployment: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    await upload_through_cuts(deployment.url, IETF_PATH, tmp_path, run_node, IETF)


async def upload_through_cuts(
    url: str, path: str, folder: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    expected = plays_file(folder / "plays.csv", ROWS)
    draw = random.Random(4)
    port = URL(url).port
    assert port
    async with Link("client to gateway", port).open() as link:
        endpoint = f"http://127.0.0.1:{link.port}{path}"
        client = run_node("tus.mjs", endpoint, folder / "plays.csv", **options)
        for _ in range(CUTS):
            link.cut(after=draw.randrange(200_000), reset=draw.random() < 0.5)
            async with asyncio.timeout(30):
                await link.severed()
        said = await asyncio.to_thread(client.says)
    await check_result(url, said[-1]["job"], expected, folder)
