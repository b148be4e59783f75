"""tus-js-client resumes at another gateway while its first connection hangs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import check_result, plays_file
from tests.services import Services, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.foreign.conftest import RunNode

ROWS = 40_000
CHUNK = 100_000
STALL_AFTER = 600_000
ARRIVED = 300_000
CLIENT_TIMEOUT = 3600.0
"""Seconds after which a gateway aborts a silent client. Longer than any test may take."""


@pytest.fixture
def services(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[Services]:
    with Services(tmp_path / "services", database_url, broker_url) as services:
        yield services


async def test_an_upload_that_hangs_is_resumed_at_another_gateway_at_once(
    services: Services, tmp_path: Path, run_node: RunNode
) -> None:
    plays, store = tmp_path / "plays.csv", tmp_path / "urls.json"
    expected = await asyncio.to_thread(plays_file, plays, ROWS)
    size = plays.stat().st_size
    processes = (
        services.storage(), services.gateway(client_timeout=CLIENT_TIMEOUT),
        services.gateway(client_timeout=CLIENT_TIMEOUT), services.processor(),
    )  # fmt: skip
    await asyncio.to_thread(listening, *processes)
    first, second = processes[1].url, processes[2].url

    async def arrived() -> bool:
        files = [path.stat().st_size for path in services.data_dir.rglob("*") if path.is_file()]
        return max(files, default=0) >= ARRIVED

    async with Link("client to first gateway", URL(first).port or 0).open() as link:

        async def ended() -> bool:
            return link.given_up == 1

        # When the connection to one gateway stalls in the middle of the file
        link.stall(after=STALL_AFTER)
        endpoint = f"http://127.0.0.1:{link.port}"
        hanging = run_node("tus.mjs", f"{endpoint}/api/tus/", plays, store=str(store))
        async with asyncio.timeout(30):
            await link.stalled.wait()
        await until(arrived)
        assert link.given_up == 0
        # Then the same upload resumes at the other gateway, by the id that both know
        text = await asyncio.to_thread(store.read_text)
        assert endpoint in text
        await asyncio.to_thread(store.write_text, text.replace(endpoint, second))
        options = {"store": str(store), "chunkSize": CHUNK}
        client = run_node("tus.mjs", f"{second}/api/tus/", plays, **options)
        printed = await asyncio.to_thread(client.output, 30)
        assert printed[0] == {"resumed": True}
        # with the bytes that the first gateway received,
        assert ARRIVED <= printed[1]["sent"] - CHUNK <= link.carried
        assert printed[-2] == {"sent": size}
        await check_result(second, printed[-1]["job"], expected, tmp_path)
        # which has closed the old connection, long before its client timeout
        await until(ended)
        assert hanging.returncode is None
        # And once the connection works again the old client finds the upload complete
        link.flow()
        assert (await asyncio.to_thread(hanging.output, 30))[-1]["job"] == printed[-1]["job"]
    async with AsyncClient(first) as at_first:
        jobs = [job async for job in at_first.jobs()]
    assert [f"/api/v1/jobs/{job.id}" for job in jobs] == [printed[-1]["job"]]
    assert (jobs[0].input_size, jobs[0].attempt) == (size, 1)
