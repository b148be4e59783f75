"""tus-js-client uploads: plainly, in parallel parts, killed and resumed, and cut off."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import check_result, plays_file
from tests.services import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment
    from tests.e2e.foreign.conftest import RunNode

ROWS = 40_000
CUTS = 6
HEADERS = 20_000
"""Bytes that the requests for what is left of a file have, and their answers, besides content."""
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


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"chunkSize": 100_000}, 1),
        ({"parallelUploads": 3}, 3),
        ({"parallelUploads": 3, "chunkSize": 100_000}, 3),
    ],
    ids=["in chunks", "in parallel", "in parallel chunks"],
)
async def test_one_that_was_killed_goes_on_where_it_was(
    standalone: Deployment,
    tmp_path: Path,
    run_node: RunNode,
    options: dict[str, object],
    parts: int,
) -> None:
    plays, store = tmp_path / "plays.csv", tmp_path / "urls.json"
    expected = plays_file(plays, ROWS)
    size = plays.stat().st_size

    async def stored() -> bool:
        return len(urls_in(store)) == parts and not store.with_name("urls.json.lock").exists()

    port = URL(standalone.url).port or 0
    async with Link("client to gateway", port).open() as link:
        # When the client is killed in the middle of the file
        link.stall(after=size * 5 // 6)
        old = f"http://127.0.0.1:{link.port}"
        client = run_node("tus.mjs", f"{old}/api/tus/", plays, store=str(store), **options)
        async with asyncio.timeout(30):
            await link.stalled.wait()
        await until(stored)
        client.kill()
    async with Link("client to gateway", port).open() as link:
        new = f"http://127.0.0.1:{link.port}"
        store.write_text(store.read_text().replace(old, new))
        held = await offsets([url.replace(new, standalone.url) for url in urls_in(store)])
        assert size // 3 < held < size
        # Then the next one finds the upload, and sends the rest only.
        client = run_node("tus.mjs", f"{new}/api/tus/", plays, store=str(store), **options)
        said = await asyncio.to_thread(client.says)
        assert size - held <= link.carried < size - held + HEADERS
    assert said[0] == {"resumed": True}
    await check_result(standalone.url, said[-1]["job"], expected, tmp_path)


def urls_in(store: Path) -> list[str]:
    """Of the upload, or of its parts, that tus-js-client remembers."""
    if not store.exists() or not (text := store.read_text()):
        return []
    (upload,) = json.loads(text).values()
    return list(upload.get("parallelUploadUrls") or [upload["uploadUrl"]])


async def offsets(urls: list[str]) -> int:
    """How many bytes the server has of them all."""
    async with aiohttp.ClientSession(headers={"Tus-Resumable": "1.0.0"}) as session:
        held = 0
        for url in urls:
            async with session.head(url) as response:
                assert response.status == 200
                held += int(response.headers["Upload-Offset"])
    return held


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
