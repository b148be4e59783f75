"""The slots of a processor: how many jobs it runs at a time, and for whom the last one is kept."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_JOBS_PER_CORE = 4
"""Small jobs wait for the disk most of the time."""
SMALL_JOB = 64 << 20
"""Bytes of memory that a small job needs at most, unless its file is compressed."""
MOST_DECOMPRESSED = 64 << 20
"""Bytes of the decompressed file of a small job. One that has more leaves its slot, and waits for
one of the others: a few kilobytes may expand to gigabytes."""
NICE_OF_LARGE_JOBS = 10
"""Small jobs, requests and head starts get nine times as much of a core as the processes of a job
that is not small, where they compete for one."""
SERVICE = 256 << 20
"""Bytes of memory of the service itself."""

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""In cgroups of version 2 and 1."""


def small_slots(cores: int, memory: int, taken: int) -> int:
    """Return how many small jobs run at a time on `cores`; at least 1.

    `memory` is that of the machine and `taken` that of the other jobs, in bytes.
    """
    fit = (memory - SERVICE - taken) // SMALL_JOB
    return max(1, min(cores * SMALL_JOBS_PER_CORE, fit))


def available_memory(limits: tuple[Path, ...] = _CGROUP_LIMITS) -> int:
    """Return the memory of this machine, or of this container if that is less, in bytes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in limits:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():  # else "max"
            memory = min(memory, int(text))
    return memory


class Slots:
    """Counts the slots of a kind that are taken, of `number`.

    The last one that is free is kept for a tenant that runs no job. Otherwise a single tenant could
    take all, with jobs that run for hours, and everybody else would wait. A processor with one slot
    keeps none.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken = 0
        self._freed = asyncio.Event()

    @property
    def only_last_is_free(self) -> bool:
        """Whether only that slot is free."""
        return self._number > 1 and self._taken >= self._number - 1

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a slot within the context."""
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._freed.set()

    async def freed(self, seconds: float) -> None:
        """Return when another slot is free than the last one, or after so many seconds."""
        self._freed.clear()
        if not self.only_last_is_free:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._freed.wait()
        except TimeoutError:
            return
