"""Collect the statistics of an attempt while it runs."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from processor.engines.port import EngineProgress
from shared.jobs.report import Report, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.engines.protocol import Advanced, Plan
    from shared.csv.dialect import Dialect


class AttemptStats:
    """Collects the events of the engine's child processes, one plan after the other.

    `size` is the size of the source in bytes. `progress` is called for each event.
    """

    def __init__(self, size: int, progress: Callable[[EngineProgress], None]) -> None:
        self._size = size
        self._progress = progress
        self._began = time.monotonic()
        self._plan: Plan = "exact"
        self._latest: EngineProgress = EngineProgress(0, size)
        self._peak_memory = 0
        self._peak_scratch = 0
        self._dialect: Dialect | None = None

    def begin(self, plan: Plan) -> None:
        """Record the start of a plan, to which the next events belong."""
        self._plan = plan

    def take(self, event: Advanced) -> None:
        """Record an event, and report the progress."""
        done = min(event.done, self._size)
        self._latest = EngineProgress(done, self._size, event.rows, event.rows_estimated)
        self._peak_memory = max(self._peak_memory, event.peak_memory)
        self._peak_scratch = max(self._peak_scratch, event.peak_scratch)
        self._dialect = event.dialect or self._dialect
        self._progress(self._latest)

    def finish(self) -> None:
        """Report that the whole source was read."""
        self._progress(replace(self._latest, done=self._size))

    def final_report(self, found: Report) -> Report:
        """Return the report of an attempt that ended with the report `found`."""
        write = found.seconds.write
        return replace(
            found,
            engine="duckdb",
            engine_version=_version(),
            plan=self._plan,
            seconds=Seconds(aggregate=time.monotonic() - self._began - write, write=write),
            peak_memory=max(self._peak_memory, found.peak_memory),
            peak_scratch=max(self._peak_scratch, found.peak_scratch),
        )

    def partial_report(self) -> Report:
        """Return the report of an attempt that failed before it knew the outcome."""
        return self.final_report(
            Report(dialect=self._dialect, bytes_in=self._size, unfinished=True)
        )


@cache
def _version() -> str:
    return version("duckdb")
