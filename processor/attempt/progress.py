"""Records the progress of a running attempt in the job's row, for gateways to read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from shared.errors import DatabaseUnavailable
from shared.jobs.job import JobProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.engines.port import EngineProgress
    from shared.jobs.job import Job
    from shared.ports import JobAttempts

WINDOW = 30
"""Records over which the rate is averaged."""

log = logging.getLogger(__name__)


class ProgressRecorder:
    """Writes the latest progress that the engine reported to the job's row, now and then.

    Progress is for people to look at: an error here never affects the attempt.
    """

    def __init__(
        self,
        jobs: JobAttempts,
        job: Job,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`interval`: seconds between two records, and before the first. Short jobs have none."""
        self._jobs = jobs
        self._job = job
        self._interval = interval
        self._clock = clock
        self._latest: EngineProgress | None = None
        self._history: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=WINDOW)

    def update(self, progress: EngineProgress) -> None:
        """Take a report of the engine. Only the latest one before a record is recorded."""
        self._latest = progress

    async def run(self) -> None:
        """Record new progress until cancelled, or until the attempt no longer holds the job."""
        recorded: EngineProgress | None = None
        while True:
            await asyncio.sleep(self._interval)
            latest = self._latest
            if latest is None:
                continue
            progress = JobProgress(
                latest.done, latest.rows, self._rate(latest.done), latest.rows_estimated
            )
            if latest == recorded:
                continue
            try:
                if not await self._jobs.record_progress(self._job.id, self._job.attempt, progress):
                    return
            except DatabaseUnavailable as error:
                log.debug("job=%s progress not recorded: %s", self._job.id, error)
            except Exception:
                log.exception("job=%s progress is no longer recorded", self._job.id)
                return
            else:
                recorded = latest

    def _rate(self, done: int) -> float | None:
        """Return the bytes per second since the oldest remembered record."""
        now = self._clock()
        if done < self._history[-1][1]:
            # The input is read again, perhaps at another speed.
            self._history.clear()
        self._history.append((now, done))
        started, before = self._history[0]
        return (done - before) / (now - started) if done > before and now > started else None
