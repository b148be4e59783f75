"""How far an attempt has come, recorded now and then where every gateway sees it."""

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

    from processor.engines.port import Progress
    from shared.jobs.job import Job
    from shared.ports import JobStore

WINDOW = 30
"""Reports over which the rate is taken."""

log = logging.getLogger(__name__)


class ProgressRecord:
    """What the engine reports of one attempt, on its way to the job's row.

    It is for people to look at: whatever happens to it happens to nothing else. `interval` is the
    seconds between two records, and before the first, which a short job never gets to.
    """

    def __init__(
        self,
        jobs: JobStore,
        job: Job,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._interval = interval
        self._clock = clock
        self._latest: Progress | None = None
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=WINDOW)

    def note(self, progress: Progress) -> None:
        """Take what the engine reports; of several between two records, the last one counts."""
        self._latest = progress

    async def keep(self) -> None:
        """Record what there is that is new, until cancelled or until the job is another's."""
        recorded: Progress | None = None
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
                log.exception("job=%s progress is not recorded any more", self._job.id)
                return
            else:
                recorded = latest

    def _rate(self, done: int) -> float | None:
        """Bytes a second since the oldest report that is remembered, counting this one."""
        now = self._clock()
        if done < self._seen[-1][1]:
            # The input is read anew, perhaps at another speed.
            self._seen.clear()
        self._seen.append((now, done))
        began, before = self._seen[0]
        return (done - before) / (now - began) if done > before and now > began else None
