"""Uploads with tuspy and checksums: cut off, killed and restarted."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yarl import URL

from csvmill.client import AsyncClient
from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import ClientScript, check_result, plays_file

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployment

SCRIPT = Path(__file__).with_name("tuspy_upload.py")
ROWS = 40_000
CUTS = 6
KILLED_AFTER = 3
"""The number of cuts after which the client is killed."""
STARTS = 12


class User:
    """Restarts tuspy with the same file and URL storage until the upload is complete."""

    def __init__(self, endpoint: str, file: Path) -> None:
        self._arguments = [endpoint, str(file), str(file.with_name("urls.json"))]
        self._folder = file.parent
        self.clients: list[ClientScript] = []

    async def upload(self) -> list[dict[str, Any]]:
        """Return the output of the client that completed the upload."""
        for n in range(STARTS):
            with ClientScript(
                [sys.executable, str(SCRIPT), *self._arguments],
                log_path=self._folder / f"tuspy-{n}.log",
                env={"PATH": os.environ["PATH"]},
            ) as client:
                self.clients.append(client)
                if await asyncio.to_thread(client.wait, 60) == 0:
                    return client.output()
        raise AssertionError("".join(client.tail() for client in self.clients))


async def test_an_upload_is_resumed_after_random_cuts_and_after_a_kill(
    deployment: Deployment, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    expected = await asyncio.to_thread(plays_file, plays, ROWS)
    draw = random.Random(6)
    async with Link("client to gateway", URL(deployment.url).port or 0).open() as link:
        user = User(f"http://127.0.0.1:{link.port}/api/tus/", plays)
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            uploading = tasks.create_task(user.upload())
            # When chunks, and sometimes the response to one, are cut off,
            for n in range(CUTS):
                answers_only = n % 3 == 2
                after = draw.randrange(400) if answers_only else draw.randrange(200_000)
                link.cut(after=after, reset=draw.random() < 0.5, answers_only=answers_only)
                await link.severed()
                # and the client is killed in the middle of one
                if n + 1 == KILLED_AFTER:
                    link.stall(after=50_000)
                    await link.stalled.wait()
                    user.clients[-1].kill()
                    link.flow()
    # Then it has resumed each time, and there is one job with the correct result
    assert link.cuts == CUTS
    assert len(user.clients) > 1
    first, last = uploading.result()
    assert 0 < first["offset"] < plays.stat().st_size
    async with AsyncClient(deployment.url) as client:
        upload = await client.upload_status(last["url"].rpartition("/")[2])
        (job,) = [job async for job in client.jobs()]
    assert upload.job_id == job.id
    await check_result(deployment.url, job.id, expected, tmp_path)
