"""The relay: publishes what jobs lack, a wake-up or a dead letter, so that none is ever forgotten.

A gateway that dies between writing a job and publishing it, a broker that lost its queues, a
worker that was killed: the table knows each such job, and the relay reads the table.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from processor.attempt.dead_letters import DeadLetters
from processor.events import ProcessorEvents
from shared.bus.publish import publish_wake_up
from shared.errors import Unavailable
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from shared.ports import Bus, JobStore

BATCH = 100
"""Jobs asked for at a time."""
UNPUBLISHED_FOR = 15.0
"""Seconds that a gateway has to publish what it made."""

log = logging.getLogger(__name__)


class Relay:
    """Any number of relays may run side by side: a wake-up too many is harmless."""

    def __init__(
        self,
        jobs: JobStore,
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
        """Wake overdue jobs, and put the dead letters that are left, every `interval` seconds.

        Until cancelled; outlasts any outage.
        """
        while True:
            for duty in (self.wake_overdue, self._dead_letters.put_what_is_left):
                try:
                    await duty()
                except Unavailable as error:
                    log.warning("relay waits: %s", error)
                except Exception:  # a relay that ended would leave jobs forgotten in silence
                    log.exception("relay failed, and goes on")
            await asyncio.sleep(self._interval)

    async def wake_overdue(self) -> int:
        """Publish a wake-up for each overdue job; how many. Raises Unavailable."""
        now = self._clock()
        woken = 0
        # The broker is asked only if there is any job that waits.
        if not await self._overdue(now, lost_before=now, limit=1):
            return woken
        lost_before = await self._bus.lost_before(self._lost_after)
        while overdue := await self._overdue(now, lost_before, BATCH):
            for job_id in overdue:
                with also_bound_ids(job_id=job_id):
                    await publish_wake_up(self._bus, self._jobs, job_id, self._clock)
                    self._events.relayed(job_id)
            woken += len(overdue)
            if len(overdue) < BATCH:
                break
        return woken

    async def _overdue(self, now: float, lost_before: float, limit: int) -> Sequence[UUID]:
        # What was made before that time has no maker any more to wait for.
        unpublished_for = max(0.0, min(UNPUBLISHED_FOR, now - lost_before))
        return await self._jobs.overdue(
            now=now, unpublished_for=unpublished_for, lost_before=lost_before, limit=limit
        )
