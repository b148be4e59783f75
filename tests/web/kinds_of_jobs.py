"""Jobs of every kind: running, done, warned, with rejects, failed, cancelled."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import signal
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import slow_file
from tests.web.files import HOSTILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csvmill.client import AsyncClient, JobView
    from tests.web.service import Service

WAIT = 60.0
BLOCK = 50_000
BLOCKS = 40
LONG = 150
"""Blocks of a file whose job is cancelled, and takes longer than it takes to look at it."""
HEADER = "Song,Date,Number of Plays\n"
BY_SONG: dict[str, Any] = {
    "group_by": ["Song"],
    "aggregates": [{"function": "sum", "column": "Number of Plays", "name": "Plays"}],
    "order_by": [{"column": "Plays", "descending": True}],
    "limit": 10,
}
SKIPPING: dict[str, Any] = {
    "group_by": ["Song"],
    "aggregates": [{"function": "sum", "column": "Plays"}],
    "where": {"column": "Song", "op": "!=", "value": "Yellow"},
    "input": {"on_bad_row": "skip"},
}
HOSTILE_CELL = "<img src=x onerror=alert(1)>"


async def ended(client: AsyncClient, job_id: str) -> JobView:
    """Return a job that has ended."""
    job = await client.job(job_id, wait=WAIT / 2)
    assert job.finished_at, f"{job.state} after {WAIT / 2} s"
    return job


async def slow(
    client: AsyncClient, folder: Path, name: str = "slow plays.csv.bz2", *, blocks: int = BLOCKS
) -> str:
    """Send a file whose job takes 2 s or more for 40 `blocks`; return the job's id."""
    path = folder / name
    path.write_bytes(slow_bytes(blocks))
    return await client.upload(path)


def slow_bytes(blocks: int) -> bytes:
    """Return a file whose job takes 2 s or more for 40 `blocks`."""
    draw = random.Random(3)
    lines = [f"song {n % 50},2026-01-01,{draw.randrange(1000)}\n" for n in range(BLOCK)]
    return slow_file.bzip2(HEADER.encode(), "".join(lines).encode(), blocks)


async def failed(client: AsyncClient, folder: Path) -> str:
    """Send a file with rows that cannot be read, and a hostile name; return the job's id."""
    path = folder / "failed.csv"
    lines = [f"Yellow,2026-01-01,{HOSTILE_CELL}\n", *(["Umbrella,2026-01-02,7\n"] * 30)]
    path.write_text(HEADER + "".join(lines) + "Yellow,2026-01-03,many\n" * 40, encoding="utf-8")
    job_id = await client.upload(path, name=HOSTILE_NAME)
    assert (await ended(client, job_id)).state == "FAILURE"
    return job_id


async def damaged(client: AsyncClient, folder: Path) -> str:
    """Send a compressed file that ends in the middle; return the id of its failed job."""
    path = folder / "cut.csv.gz"
    lines = "".join(f"song {n},2026-01-01,{n}\n" for n in range(5000))
    path.write_bytes(gzip.compress((HEADER + lines).encode())[:-2000])
    job_id = await client.upload(path)
    job = await ended(client, job_id)
    assert job.state == "FAILURE"
    assert not job.problem_count
    return job_id


async def skipped(client: AsyncClient, folder: Path) -> str:
    """Send 6 rows of which 2 are rejected and 1 is filtered; return the job's id."""
    path = folder / "dirty.csv"
    path.write_text(
        "Song,Plays\nUmbrella,200\nYellow,1\nHalo,many\nHalo,3\nUmbrella,\u221e\nHalo,4\n"
    )
    job_id = await client.upload(path, aggregation=SKIPPING)
    assert (await ended(client, job_id)).state == "SUCCESS"
    return job_id


async def warned(client: AsyncClient, folder: Path) -> str:
    """Send a file with numbers that may be integers, and a total; return the job's id."""
    path = folder / "cities.csv"
    path.write_text("Stadt;Einwohner\nUlm;126.405\nJena;110.731\nTotal;237.136\n", encoding="utf-8")
    spec = {"group_by": ["Stadt"], "aggregates": [{"function": "sum", "column": "Einwohner"}]}
    job_id = await client.upload(path, aggregation=spec)
    assert (await ended(client, job_id)).state == "SUCCESS"
    return job_id


async def cancelled(client: AsyncClient, folder: Path) -> str:
    """Send a large file and cancel its job; return the job's id."""
    job_id = await slow(client, folder, "cancelled.csv.bz2", blocks=LONG)
    await client.cancel(job_id)
    return job_id


def children(pid: int) -> list[int]:
    """Return all processes below a process."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it, or one of its threads, has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children(int(child))]
    return found


def send_signal(number: signal.Signals, pids: list[int]) -> None:
    """Send a signal to those of the processes that still run."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def paused(service: Service) -> Iterator[None]:
    """Stop the processes that compute jobs, so that their jobs stay as they are."""
    assert service.process is not None
    stopped = children(service.process.pid)
    send_signal(signal.SIGSTOP, stopped)
    try:
        yield
    finally:
        send_signal(signal.SIGCONT, stopped)


def kill_engine(service: Service) -> None:
    """Kill the processes that compute jobs."""
    assert service.process is not None
    send_signal(signal.SIGKILL, children(service.process.pid))


async def reading(client: AsyncClient, job_id: str, *, attempt: int = 1) -> JobView:
    """Return a job whose attempt has read a part of its file."""
    async with asyncio.timeout(WAIT):
        async for event in client.events(job_id):
            if (event.state, event.attempt) == ("STARTED", attempt) and event.progress.bytes_done:
                return await client.job(job_id)
            assert event.state in ("PENDING", "STARTED", "RETRY"), event
    raise AssertionError("the job has ended")
