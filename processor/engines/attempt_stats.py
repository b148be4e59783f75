"""What is known of an attempt while it goes on."""

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
    """Takes what the engine's processes tell, of one plan after the other, and passes it on.

    `size` is that of the source in bytes; `progress` is told how far the plan is.
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
        """From now on, it is about this plan."""
        self._plan = plan

    def take(self, event: Advanced) -> None:
        """Note how far the plan is."""
        done = min(event.done, self._size)
        self._latest = EngineProgress(done, self._size, event.rows, event.rows_estimated)
        self._peak_memory = max(self._peak_memory, event.peak_memory)
        self._peak_scratch = max(self._peak_scratch, event.peak_scratch)
        self._dialect = event.dialect or self._dialect
        self._progress(self._latest)

    def finish(self) -> None:
        """Note that the plan has come to its end."""
        self._progress(replace(self._latest, done=self._size))

    def final_report(self, found: Report) -> Report:
        """The report of an attempt that has found this."""
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
        """The report of an attempt that is over before it has come to a verdict."""
        return self.final_report(
            Report(dialect=self._dialect, bytes_in=self._size, unfinished=True)
        )


@cache
def _version() -> str:
    return version("duckdb")
