"""Dead letters: the messages of jobs that have used up their attempts, for operators to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.events import ProcessorEvents
    from shared.jobs.job import Job
    from shared.ports import Bus, JobStore

LEFT_TO_WORKERS_FOR = 15.0
"""Seconds that whoever found the job failed, or is delivered its wake-up, has to see to it."""


class DeadLetters:
    """Puts them into the dead-letter queue: each at least once, and seldom twice.

    That one is due is on record since the job is a FAILURE, and until the broker has confirmed
    it. A process that is killed in between leaves it to whoever is delivered the wake-up again,
    or to a relay: the queue has it twice only if the broker had it already.
    """

    def __init__(
        self, jobs: JobStore, bus: Bus, events: ProcessorEvents, clock: Callable[[], float]
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._events = events
        self._clock = clock

    async def put(self, job: Job) -> None:
        """Put the one that a job owes. Raises BrokerUnavailable, upon which it is still due."""
        with also_bound_ids(job_id=job.id, upload_id=job.upload_id):
            await self._bus.dead_letter(WakeUp(job.id))
            await until_answered(
                lambda: self._jobs.mark_dead_lettered(job.id, job.attempt, now=self._clock())
            )
            self._events.dead_lettered(job)

    async def put_what_is_left(self) -> int:
        """Put those that nobody has seen to in time; how many. Raises Unavailable."""
        put = 0
        while job := await self._jobs.take_dead_letter(
            now=self._clock(), due_for=LEFT_TO_WORKERS_FOR
        ):
            await self.put(job)
            put += 1
        return put
