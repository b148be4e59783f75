"""The lease of a running attempt: what its worker renews for as long as it works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from processor.events import AttemptEvents
    from shared.jobs.job import Job
    from shared.ports import JobStore

T = TypeVar("T")


class Lease:
    """What makes a claimed job its worker's: `seconds` long, renewed at a third of that."""

    def __init__(
        self,
        jobs: JobStore,
        job: Job,
        events: AttemptEvents,
        *,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._events = events
        self._seconds = seconds
        self._clock = clock

    async def keep_during(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns. Raises what it raises, or LeaseLost, upon which it is cancelled."""
        run = asyncio.create_task(work)
        heart = asyncio.create_task(self._renew())
        try:
            await asyncio.wait((run, heart), return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                await heart
            return await run
        finally:
            for task in (run, heart):
                task.cancel()
            await asyncio.gather(run, heart, return_exceptions=True)

    async def _renew(self) -> None:
        interval = pause = self._seconds / 3
        while True:
            await asyncio.sleep(pause)
            lease_until = self._clock() + self._seconds
            try:
                # On a connection gone dead it must not wait until the lease has run out.
                async with asyncio.timeout(interval):
                    await self._jobs.heartbeat(
                        self._job.id, self._job.attempt, lease_until=lease_until
                    )
                pause = interval
            except (DatabaseUnavailable, TimeoutError) as error:
                # Nobody can claim the job while nobody reaches the table; if only this worker
                # is cut off, its result will be refused. So go on.
                self._events.heartbeat_missed(error)
                pause = interval / 5
