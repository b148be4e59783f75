"""Dead letters: the messages that show operators the jobs that used up their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.attempt.backoff import until_answered
from shared.jobs.wake_up import WakeUp
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.events import ProcessorEvents
    from shared.jobs.job import Job
    from shared.ports import Bus, JobMessages

LEFT_TO_WORKERS_FOR = 15.0
"""Seconds for which a due dead letter is left to the worker that has the job's wake-up."""


class DeadLetters:
    """Publishes dead letters to the dead-letter queue: each at least once, rarely twice.

    The row of a failed job says that its dead letter is due until the broker has confirmed it. If a
    process is killed in between, the next worker with the job's wake-up publishes it, or a relay.
    It is published twice only if the broker had already accepted it.
    """

    def __init__(
        self, jobs: JobMessages, bus: Bus, events: ProcessorEvents, clock: Callable[[], float]
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._events = events
        self._clock = clock

    async def publish(self, job: Job) -> None:
        """Publish the dead letter of a job. Raises BrokerUnavailable; it is still due then."""
        with also_bound_ids(job_id=job.id, upload_id=job.upload_id, tenant=job.tenant):
            await self._bus.dead_letter(WakeUp(job.id))
            await until_answered(
                lambda: self._jobs.mark_dead_lettered(job.id, job.attempt, now=self._clock())
            )
            self._events.dead_lettered(job)

    async def publish_overdue(self) -> int:
        """Publish the dead letters that no worker has published in time.

        Returns their number. Raises BrokerUnavailable, DatabaseUnavailable.
        """
        published = 0
        while job := await self._jobs.take_dead_letter(
            now=self._clock(), due_for=LEFT_TO_WORKERS_FOR
        ):
            await self.publish(job)
            published += 1
        return published
