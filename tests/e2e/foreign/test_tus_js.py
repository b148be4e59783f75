"""Uploads with tus-js-client: at once, in parallel parts, resumed when killed or cut off."""

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
"""Upper bound of the bytes, besides content, of the requests that resume and their responses."""
WAYS: dict[str, dict[str, object]] = {
    "at once": {},
    "in chunks": {"chunkSize": 200_000},
    "in parallel": {"parallelUploads": 3},
    "size declared at the end": {"chunkSize": 500_000, "uploadLengthDeferred": True},
}


# tus-js-client implements the draft's revision -05 (interop version 6). Its fields are those of
# version 8, so a header that declares version 8 is enough. It sends the file's name only in the
# URL. It marks the last part of several only if the content is in memory, not in a file.
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
    printed = await asyncio.to_thread(client.output)
    await check_result(standalone.url, printed[-1]["job"], expected, tmp_path)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"chunkSize": 100_000}, 1),
        ({"parallelUploads": 3}, 3),
        ({"parallelUploads": 3, "chunkSize": 100_000}, 3),
    ],
    ids=["in chunks", "in parallel", "in parallel chunks"],
)
async def test_a_killed_upload_is_resumed_at_its_offset(
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
        # Then the next one finds the upload and sends only the rest
        client = run_node("tus.mjs", f"{new}/api/tus/", plays, store=str(store), **options)
        printed = await asyncio.to_thread(client.output)
        assert size - held <= link.carried < size - held + HEADERS
    assert printed[0] == {"resumed": True}
    await check_result(standalone.url, printed[-1]["job"], expected, tmp_path)


def urls_in(store: Path) -> list[str]:
    """Return the URLs that tus-js-client stored: of the upload, or of its parts."""
    if not store.exists() or not (text := store.read_text()):
        return []
    (upload,) = json.loads(text).values()
    return list(upload.get("parallelUploadUrls") or [upload["uploadUrl"]])


async def offsets(urls: list[str]) -> int:
    """Return how many bytes the server has received for all URLs."""
    async with aiohttp.ClientSession(headers={"Tus-Resumable": "1.0.0"}) as session:
        held = 0
        for url in urls:
            async with session.head(url) as response:
                assert response.status == 200
                held += int(response.headers["Upload-Offset"])
    return held


async def test_an_upload_is_resumed_after_cuts_at_random_bytes(
    standalone: Deployment, tmp_path: Path, run_node: RunNode
) -> None:
    await upload_through_cuts(standalone.url, "/api/tus/", tmp_path, run_node, WAYS["at once"])


async def test_parallel_parts_are_resumed_after_cuts_at_random_bytes(
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
    ids=["at once", "in chunks", "with the creation", "size declared at the end"],
)
async def test_a_file_sent_by_the_ietf_draft_becomes_a_job(
    standalone: Deployment, tmp_path: Path, run_node: RunNode, options: dict[str, object]
) -> None:
    expected = plays_file(tmp_path / "plays.csv", ROWS)
    endpoint = standalone.url + IETF_PATH
    client = run_node("tus.mjs", endpoint, tmp_path / "plays.csv", **IETF, **options)
    printed = await asyncio.to_thread(client.output)
    await check_result(standalone.url, printed[-1]["job"], expected, tmp_path)


async def test_an_upload_by_the_ietf_draft_is_resumed_after_cuts(
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
        printed = await asyncio.to_thread(client.output)
    await check_result(url, printed[-1]["job"], expected, folder)
