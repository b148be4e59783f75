"""Freed memory goes back to the system, also from below objects that live on."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio
import psutil
from shared.runtime import freed_memory

freed_memory.INTERVAL = 0.01
process = psutil.Process()

async def main():
    before = process.memory_info().rss
    many = [bytes(100_000) for _ in range(2_000)]
    many = many[-1:]  # it lives on, at the end of the heap
    kept = process.memory_info().rss - before
    task = asyncio.create_task(freed_memory.return_freed_memory())
    for _ in range(3_000):
        left = process.memory_info().rss - before
        if left < kept / 4:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    print(kept, left)

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc keeps it")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    kept, left = map(int, printed.split())
    assert kept > 100_000_000
    assert left < kept / 4
