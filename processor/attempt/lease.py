"""The lease of a running attempt, which a heartbeat renews."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from processor.attempt_events import AttemptEvents
    from shared.jobs.job import Job
    from shared.ports import JobAttempts

T = TypeVar("T")


class Lease:
    """Gives a job to one attempt for `seconds`; a heartbeat renews it three times as often."""

    def __init__(
        self,
        jobs: JobAttempts,
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
        """Renew the lease while `work` runs, and return its result.

        Raises what `work` raises. Cancels `work` and raises LeaseLost if the lease is lost.
        """
        run = asyncio.create_task(work)
        heartbeat = asyncio.create_task(self._send_heartbeats())
        try:
            await asyncio.wait((run, heartbeat), return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                await heartbeat
            return await run
        finally:
            for task in (run, heartbeat):
                task.cancel()
            await asyncio.gather(run, heartbeat, return_exceptions=True)

    async def _send_heartbeats(self) -> None:
        interval = pause = self._seconds / 3
        while True:
            await asyncio.sleep(pause)
            lease_until = self._clock() + self._seconds
            try:
                # A dead connection must not delay the next try until the lease has run out.
                async with asyncio.timeout(interval):
                    await self._jobs.heartbeat(
                        self._job.id, self._job.attempt, lease_until=lease_until
                    )
                pause = interval
            except (DatabaseUnavailable, TimeoutError) as error:
                # Continue: if the database is unavailable to all, nothing else can claim the job;
                # if to this worker only, its result will be refused.
                self._events.heartbeat_missed(error)
                pause = interval / 5
