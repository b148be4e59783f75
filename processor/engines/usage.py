"""What an attempt uses: progress, memory and disk, and the limits of both."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.port import GRACE, EngineProgress
from shared.errors import AttemptFailed
from shared.jobs.report import Report, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from processor.engines.port import EngineLimits, Source
    from shared.csv.dialect import Dialect

TICK = 0.2
"""Seconds between two checks of memory and disk."""


class OutOfMemory(AttemptFailed):
    """The processes of an attempt need more than `limit` bytes of memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"out of memory: the limit of a job is {limit >> 20:,} MiB (CSVMILL_MEMORY_LIMIT)"
        )


class Outgrown(AttemptFailed):
    """A source needs more than a small job may have: it has to be run as the others are."""

    def __init__(self, what: str) -> None:
        super().__init__(f"it is not a small job: {what}; it waits for its turn among the others")


class OutOfScratch(AttemptFailed):
    """An attempt needs more than `limit` bytes of disk."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"out of scratch disk: the limit of a job is {limit:,} bytes (CSVMILL_SCRATCH_LIMIT)"
        )


class TooSlow(AttemptFailed):
    """An attempt takes longer than files of this size may take."""

    def __init__(self, seconds: float, size: int, rate: int) -> None:
        super().__init__(
            f"not done within {seconds:.0f} s, the limit of an attempt that has {size:,} bytes to "
            f"read: {GRACE:.0f} s, and a second for each {rate:,} bytes (CSVMILL_MIN_RATE)"
        )


@dataclass(frozen=True, slots=True)
class _Before:
    """What was read before the source that is read now."""

    sources: int = 0
    done: int = 0
    rows: int = 0
    rejected: int = 0
    decompressed: int = 0


class Usage:
    """Collects what an attempt has read and used. `progress` is called for each step.

    The sizes of `sources` are looked up at each step, as they may become known meanwhile.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        limits: EngineLimits,
        progress: Callable[[EngineProgress], None],
    ) -> None:
        self._sources = sources
        self._before = _Before()
        self._limits = limits
        self._progress = progress
        self._began = time.monotonic()
        self._latest = EngineProgress(0, self.size)
        self._peak_memory = 0
        self._peak_scratch = 0
        self._children: set[int] = set()
        self.dialect: Dialect | None = None
        """The dialect of the file, once it is known."""
        self.confinement: tuple[str, ...] = ()
        """What confines the kernel, once it has reported it."""
        self.decompressed = 0
        """Bytes of a compressed source that the kernel has read so far."""
        self.beside = 0
        """Bytes of memory of a process that runs beside the kernel."""

    @property
    def size(self) -> int:
        """The bytes of all sources."""
        return sum(source.size for source in self._sources)

    def begin_next(self) -> None:
        """From now on, what is reported is that of the next source. All of this one was read."""
        before = self._before
        source = self._sources[before.sources]
        self._before = _Before(
            before.sources + 1,
            before.done + source.size,
            self._latest.rows or 0,
            self._latest.rejected,
            before.decompressed + max(self.decompressed, source.size),
        )
        self.decompressed = 0

    def advance(self, done: int, rows: int | None = None, *, estimated: bool = False) -> None:
        """Report that `done` bytes of the source, and so many rows, were read."""
        size = self.size
        done = max(self._latest.done, min(self._before.done + done, size))
        if rows is None:
            self._latest = replace(self._latest, done=done, total=size)
        else:
            rows += self._before.rows
            rows = max(rows, self._latest.rows or 0) if estimated else rows
            self._latest = replace(
                self._latest, done=done, total=size, rows=rows, rows_estimated=estimated
            )
        self._progress(self._latest)

    def reject(self, rejected: int, first_problem: str | None) -> None:
        """Note how many bad records were found so far, and what the first one is.

        The next call of `advance` reports it.
        """
        self._latest = replace(
            self._latest,
            rejected=self._before.rejected + rejected,
            first_problem=self._latest.first_problem if self._before.rejected else first_problem,
        )

    def finish(self, rows: int) -> None:
        """Report that all sources were read, which have so many rows."""
        self._before = _Before()
        self.advance(self.size, rows)

    def use(self, *, memory: int = 0, scratch: int = 0) -> None:
        """Record a peak of memory of the kernel or its successor, or of disk, in bytes."""
        self._peak_memory = max(self._peak_memory, memory + self.beside)
        self._peak_scratch = max(self._peak_scratch, scratch)

    def failure(self, reason: str) -> AttemptFailed:
        """Return the failure of a child, for `reason`. A limit is named as that of the job."""
        if "CSVMILL_MEMORY_LIMIT" in reason:
            return self._out_of_memory()
        if "CSVMILL_SCRATCH_LIMIT" in reason:
            self.use(scratch=self._limits.scratch)
            return OutOfScratch(self._limits.scratch)
        return AttemptFailed(reason)

    @contextlib.contextmanager
    def of_child(self, pid: int) -> Iterator[None]:
        """Count the memory of a child within the context."""
        self._children.add(pid)
        try:
            yield
        finally:
            self._children.remove(pid)

    async def watch(self, folder: Path) -> None:
        """Measure time, memory, and the disk space of `folder`, until cancelled.

        Raises TooSlow, OutOfMemory and OutOfScratch.
        """
        while True:
            await asyncio.sleep(TICK)
            self._check_time()
            scratch = await asyncio.to_thread(_disk_used, folder)
            memory = sum(map(_resident, self._children))
            self.use(scratch=scratch)
            self._peak_memory = max(self._peak_memory, memory)
            if scratch > self._limits.scratch:
                raise OutOfScratch(self._limits.scratch)
            if memory > self._limits.memory:
                raise self._out_of_memory()

    def _check_time(self) -> None:
        rate = self._limits.min_rate
        if rate is None:
            return
        # How large a compressed file is shows only while it is read.
        size = max(self.size, self._before.decompressed + self.decompressed)
        allowed = GRACE + size / rate
        if time.monotonic() - self._began > allowed:
            raise TooSlow(allowed, size, rate)

    def outgrown(self) -> Outgrown:
        """Return the failure of a small job whose source has more bytes than it may have."""
        return Outgrown(f"its file decompresses to more than {(self._limits.small or 0) >> 20} MiB")

    def _out_of_memory(self) -> AttemptFailed:
        limit = self._limits.memory
        if self._limits.small is not None:
            return Outgrown(f"it needs more than {limit >> 20} MiB of memory")
        return OutOfMemory(limit)

    def final_report(self, found: Report) -> Report:
        """Return the report of an attempt that ended with the report `found`."""
        write = found.seconds.write
        return replace(
            found,
            engine="kernel",
            engine_version=_version(),
            plan="exact",
            seconds=Seconds(aggregate=time.monotonic() - self._began - write, write=write),
            confinement=self.confinement,
            peak_memory=self._peak_memory,
            peak_scratch=self._peak_scratch,
        )

    def partial_report(self) -> Report:
        """Return the report of an attempt that ended before it had read the file."""
        return self.final_report(Report(dialect=self.dialect, bytes_in=self.size, unfinished=True))


def _resident(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * resource.getpagesize()


def _disk_used(folder: Path) -> int:
    """Return the disk space of a folder in bytes. Files deleted meanwhile do not count."""
    used = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                used += (Path(parent) / name).lstat().st_blocks * 512
    return used


@cache
def _version() -> str:
    return version("csvmill")
