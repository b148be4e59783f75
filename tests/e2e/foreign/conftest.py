"""Fixtures of the tests with third-party clients: files, and a runner of JavaScript."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from csvmill.client import AsyncClient
from shared.jobs.job import SONG_PLAYS
from shared.runtime.files import lock_file
from tests.oracle import expected_result
from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Standalone

FOLDER = Path(__file__).parent
INSTALL = FOLDER.parents[2] / "scripts/install_foreign_clients"
CANNOT_BE_INSTALLED = 3
"""The exit code of `INSTALL` if Node.js is missing and cannot be installed."""


def plays_file(path: Path, rows: int) -> bytes:
    """Write a CSV file of about 40 bytes per row; return its expected result."""
    draw = random.Random(5)
    lines = [
        f"Song number {draw.randrange(100):09d},2026-01-{draw.randrange(1, 28):02d},{n}\n"
        for n in range(rows)
    ]
    data = "".join(["Song,Date,Number of Plays\n", *lines]).encode()
    path.write_bytes(data)
    return expected_result(SONG_PLAYS, data).result


async def check_result(url: str, job: str, expected: bytes, folder: Path) -> None:
    """Check that the job, given by its URL, succeeds with the expected result."""
    job_id = job.rpartition("/")[2]
    async with AsyncClient(url) as client:
        await client.wait(job_id, timeout=60)
        await client.download(job_id, folder / "totals.csv")
        assert (await client.job(job_id)).filename == "plays.csv"
    assert await asyncio.to_thread((folder / "totals.csv").read_bytes) == expected


@pytest.fixture
def standalone(shared_standalone: Standalone) -> Standalone:
    """The standalone service, shared by the tests of a module."""
    return shared_standalone


class ClientScript(OwnedProcess):
    """A running client."""

    def output(self, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Wait until it ends successfully; return the lines of JSON that it printed."""
        status = self.wait(timeout)
        self._reader.join(timeout)
        assert status == 0, self.tail()
        return [json.loads(line) for line in self.lines if line.startswith("{")]


class RunNode(Protocol):
    """Starts a script of this folder: `run_node("tus.mjs", url, file, parallelUploads=3)`."""

    def __call__(self, script: str, *arguments: object, **options: object) -> ClientScript: ...


@pytest.fixture(scope="session")
def node_clients() -> None:
    """Install the packages that the scripts import."""
    lock = lock_file(FOLDER / "package.json", wait=True)  # tests run in several processes
    try:
        done = subprocess.run([INSTALL], capture_output=True, text=True, check=False)
    finally:
        os.close(lock)
    if done.returncode == CANNOT_BE_INSTALLED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def run_node(node_clients: None, tmp_path: Path) -> Iterator[RunNode]:
    """Yield a function that starts scripts; end those that still run."""
    numbers = count(1)
    with ExitStack() as started:

        def start(script: str, *arguments: object, **options: object) -> ClientScript:
            return started.enter_context(
                ClientScript(
                    ["node", str(FOLDER / script), *map(str, arguments), json.dumps(options)],
                    log_path=tmp_path / f"node-{next(numbers)}.log",
                    env={"PATH": os.environ["PATH"]},
                )
            )

        yield start
