"""Small jobs end while a large one runs, and a file that is only small by its name does not."""

from __future__ import annotations

import gzip
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from csvmill.client import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Deployment

WAIT = 60.0
HEADER = b"Song,Date,Number of Plays\n"
ROW = b"a,2026-01-01,1\n"
MIB = 1 << 20

pytestmark = pytest.mark.timeout(3 * WAIT)


def rows_of(size: int) -> int:
    return size // len(ROW)


def result_of(rows: int) -> bytes:
    return b"Song,Date,Total Number of Plays for Date\na,2026-01-01,%d\n" % rows


def kernels(deployment: Deployment) -> list[psutil.Process]:
    found = []
    for process in deployment.processes:
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(process.pid).children(recursive=True)
            found += [child for child in children if "csvmill-kernel" in child.name()]
    return found


@contextmanager
def first_kernel_stopped(deployment: Deployment) -> Iterator[None]:
    """Stop the kernel of the job that runs, as if it took very long, until the context is left."""
    deadline = time.monotonic() + WAIT
    while not (running := kernels(deployment)):
        assert time.monotonic() < deadline
    try:
        for kernel in running:
            kernel.send_signal(signal.SIGSTOP)
        yield
    finally:
        for kernel in running:
            with suppress(psutil.NoSuchProcess):
                kernel.send_signal(signal.SIGCONT)


async def test_small_jobs_end_while_a_large_one_runs(
    deployment: Deployment, tmp_path: Path
) -> None:
    large_rows, expanding_rows = rows_of(48 * MIB), rows_of(80 * MIB)
    large, small, expanding = (tmp_path / name for name in ("large.csv", "small.csv", "a.csv.gz"))
    large.write_bytes(HEADER + ROW * large_rows)
    small.write_bytes(HEADER + ROW * 3)
    expanding.write_bytes(gzip.compress(HEADER + ROW * expanding_rows, 1))
    assert expanding.stat().st_size < MIB
    async with AsyncClient(deployment.url) as client:
        large_job = await client.upload(large)
        with first_kernel_stopped(deployment):
            # A file that expands leaves its slot, and waits with the large ones
            expanding_job = await client.upload(expanding)
            while (moved := await client.job(expanding_job)).state != "RETRY":
                assert moved.state in ("PENDING", "STARTED")
            assert moved.reason is not None
            assert "it is not a small job" in moved.reason
            for _ in range(20):
                job = await client.upload(small)
                assert (await client.wait(job, timeout=WAIT)).state == "SUCCESS"
            assert (await client.job(large_job)).state == "STARTED"
            assert (await client.job(expanding_job)).state == "RETRY"
        for job, rows in ((large_job, large_rows), (expanding_job, expanding_rows)):
            await client.wait(job, timeout=WAIT)
            target = tmp_path / f"{job}.csv"
            await client.download(job, target)
            assert target.read_bytes() == result_of(rows)
        # It was no failure
        after = await client.job(expanding_job)
        assert [attempt.outcome for attempt in after.attempts] == ["released", "success"]
