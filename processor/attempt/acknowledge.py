"""The settlement of wake-ups: what happens to one once the state of its job is on record."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from processor.attempt.dead_letters import DeadLetters
from shared.errors import BrokerUnavailable, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from processor.events import ProcessorEvents
    from shared.jobs.job import Job
    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus, Delivery, JobStore

SHORTEST_HOLD = 0.2
LONGEST_HOLD = 10.0
"""Seconds at most for which a wake-up is kept that cannot be delayed."""

log = logging.getLogger(__name__)


class Settlement:
    """Settles deliveries such that whatever is still to be done for their jobs will be done."""

    def __init__(
        self, jobs: JobStore, bus: Bus, events: ProcessorEvents, clock: Callable[[], float]
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._dead_letters = DeadLetters(jobs, bus, events, clock)
        self._clock = clock

    async def ended(self, delivery: Delivery, job: Job) -> None:
        """The job has ended. If it owes a dead letter, put that first."""
        if job.owes_dead_letter:
            try:
                await self._dead_letters.put(job)
            except BrokerUnavailable as error:
                log.warning("job=%s dead letter left to the relay: %s", job.id, error)
        await delivery.ack()

    async def later(self, delivery: Delivery, delay: float) -> None:
        """The job has to wait: replace the wake-up by one that comes after `delay` seconds.

        While the broker takes none, it comes after 10 s at most.
        """
        wakeup: WakeUp = delivery.wakeup
        try:
            await self._bus.publish(wakeup, delay=delay)
            await self._mark_published(wakeup.job_id)
        except BrokerUnavailable as error:
            log.warning("job=%s wake-up not delayed: %s", wakeup.job_id, error)
            await self._hold(delivery, delay)
        else:
            await delivery.ack()

    async def _hold(self, delivery: Delivery, delay: float) -> None:
        """Have the wake-up come later, though the broker takes none: it may still deliver.

        What is handed back comes again at once, and is dead-lettered if it has done so often; so
        it is kept for a while, for which it keeps its place.
        """
        if delivery.exhausted:
            # Its job is well, and in the table: a relay wakes it as soon as the broker lets it.
            await delivery.ack()
            return
        await asyncio.sleep(min(max(delay, SHORTEST_HOLD), LONGEST_HOLD))
        await delivery.requeue()

    async def _mark_published(self, job_id: UUID) -> None:
        try:
            await self._jobs.mark_published(job_id, self._clock())
        except DatabaseUnavailable as error:
            log.warning("job=%s wake-up not noted: %s", job_id, error)
