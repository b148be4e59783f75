"""The relay: publishes the wake-ups and dead letters that jobs lack.

A gateway may die between inserting a job and publishing its wake-up, the broker may lose its
queues, a worker may be killed. The table shows each such job, and the relay reads the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.dead_letters import DeadLetters
from processor.events import ProcessorEvents
from processor.maintenance.periodic import run_periodically
from shared.bus.publish import publish_wake_up
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus, JobMessages

BATCH = 100
"""Jobs per query."""
UNPUBLISHED_FOR = 15.0
"""Seconds that the creator of a job has to publish its wake-up."""


class Relay:
    """Safe to run on any number of processors: a duplicate wake-up is harmless."""

    def __init__(
        self,
        jobs: JobMessages,
        bus: Bus,
        *,
        events: ProcessorEvents | None = None,
        interval: float,
        lost_after: float,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._events = events or ProcessorEvents.uncounted()
        self._interval = interval
        self._lost_after = lost_after
        self._clock = clock
        self._dead_letters = DeadLetters(jobs, bus, self._events, clock)

    async def run(self) -> None:
        """Publish every `interval` seconds until cancelled. Survives outages."""
        await run_periodically(
            "relay",
            self.wake_overdue,
            self._dead_letters.publish_overdue,
            interval=self._interval,
        )

    async def wake_overdue(self) -> int:
        """Publish a wake-up for each overdue job and return their number. Raises Unavailable."""
        now = self._clock()
        woken = 0
        # Query the broker only if a job is waiting.
        if not await self._overdue(now, lost_before=now, limit=1):
            return woken
        lost_before = await self._bus.lost_before(self._lost_after)
        while overdue := await self._overdue(now, lost_before, BATCH):
            for wakeup in overdue:
                with also_bound_ids(job_id=wakeup.job_id):
                    await publish_wake_up(self._bus, self._jobs, wakeup, self._clock)
                    self._events.relayed(wakeup.job_id)
            woken += len(overdue)
            if len(overdue) < BATCH:
                break
        return woken

    async def _overdue(self, now: float, lost_before: float, limit: int) -> Sequence[WakeUp]:
        # The wake-up of a job created before `lost_before` is lost: do not wait for its creator.
        unpublished_for = max(0.0, min(UNPUBLISHED_FOR, now - lost_before))
        return await self._jobs.overdue(
            now=now, unpublished_for=unpublished_for, lost_before=lost_before, limit=limit
        )
