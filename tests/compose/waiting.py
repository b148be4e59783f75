"""What the tests of the stack wait for and read."""

from __future__ import annotations

import asyncio
import re
import textwrap
import time
from typing import TYPE_CHECKING

from tests.compose.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from csvmill.client import AsyncClient
    from tests.compose.stack import Stack

WAIT = 60.0


def documented(heading: str) -> list[str]:
    """Return the command blocks of a section of docs/operations.md."""
    _, _, section = (ROOT / "docs/operations.md").read_text().partition(f"\n{heading}\n")
    section = section.partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert blocks
    return [textwrap.dedent(block) for block in blocks]


async def until(condition: Callable[[], object], what: str) -> None:
    """Poll `condition` until it is true: no event reports it."""
    deadline = time.monotonic() + WAIT
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"did not happen within {WAIT:g} s: {what}"
        await asyncio.sleep(0.2)


async def result_of(client: AsyncClient, job_id: str, folder: Path) -> bytes:
    await client.wait(job_id, timeout=WAIT)
    target = folder / job_id
    await client.download(job_id, target)
    return target.read_bytes()


async def started_on(client: AsyncClient, job_id: str) -> str:
    """Wait until a job has started; return the host that runs it."""
    async with asyncio.timeout(WAIT):
        while (job := await client.job(job_id)).state != "STARTED":
            assert job.state in ("PENDING", "RETRY"), job
            await asyncio.sleep(0.05)
    return job.attempts[-1].worker.partition(":")[0]


def messages(stack: Stack, queue: str) -> tuple[int, int]:
    """Return the numbers of ready and unacknowledged messages that the management UI shows."""
    shown = stack.management(f"queues/{{vhost}}/{queue}")
    return shown.get("messages_ready", 0), shown.get("messages_unacknowledged", 0)
