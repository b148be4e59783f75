"""A job reads as many files as the limit says, and no more."""

from __future__ import annotations

import asyncio
import csv
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from csvmill.client import AsyncClient, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone

MOST = 1000
"""The most inputs of a job, as docs/api.md says."""
AT_A_TIME = 8
SPEC = {
    "group_by": ["Song"],
    "aggregates": [{"function": "sum", "column": "Plays"}, {"function": "count"}],
    "order_by": ["Song"],
}


async def test_a_job_of_a_thousand_files_is_right_and_of_one_more_is_refused(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    seed = random.Random(17)
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    bodies = []
    for number in range(MOST + 1):
        song, plays = f"song {seed.randrange(40)}", seed.randrange(10**15)
        # Columns in either order: they are matched by name.
        record = f"Song,Plays\n{song},{plays}\n" if number % 2 else f"Plays,Song\n{plays},{song}\n"
        bodies.append(record.encode())
        if number < MOST:
            sums[song] += plays
            counts[song] += 1
    url = f"{shared_standalone.url}/api/v1/uploads?job=false&name=part.csv"
    uploads = [""] * len(bodies)
    waiting = list(enumerate(bodies))

    async def send(session: ClientSession) -> None:
        while waiting:
            number, body = waiting.pop()
            async with session.put(url, data=body) as response:
                assert response.status == 201
                uploads[number] = (await response.json())["id"]

    async with ClientSession() as session:
        await asyncio.gather(*(send(session) for _ in range(AT_A_TIME)))
    async with AsyncClient(shared_standalone.url) as client:
        with pytest.raises(Refused, match="there are 1001 inputs; a job has at most 1000"):
            await client.ask(uploads, SPEC)
        job = await client.ask(uploads[:MOST], SPEC)
        assert [each.upload_id for each in job.inputs] == uploads[:MOST]
        ended = await client.wait(job.id)
        assert (ended.state, ended.rows_in) == ("SUCCESS", MOST)
        await client.download(job.id, tmp_path / "sums.csv")
    with (tmp_path / "sums.csv").open(newline="") as result:
        rows = list(csv.reader(result))[1:]
    assert rows == [[song, str(sums[song]), str(counts[song])] for song in sorted(sums)]
