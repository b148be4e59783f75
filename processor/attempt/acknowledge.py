"""Ack handling: what a worker does with a wake-up after it has recorded the state of the job."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from processor.attempt.dead_letters import DeadLetters
from shared.errors import BrokerUnavailable, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from processor.events import ProcessorEvents
    from shared.access.tenant import Tenant
    from shared.jobs.job import Job
    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus, Delivery, JobStore

SHORTEST_HOLD = 0.2
LONGEST_HOLD = 10.0
"""How long a wake-up is held that the broker does not delay, in seconds."""

log = logging.getLogger(__name__)


class ReplacedDelivery:
    """A wake-up of a job whose tenant may run only so many: others wait for the end of this one.

    Their own wake-ups were acknowledged while they had to wait. So this one is acknowledged once
    wake-ups of the tenant's first waiting jobs are published.
    """

    def __init__(self, delivery: Delivery, publish: Callable[[], Awaitable[None]]) -> None:
        self._delivery = delivery
        self._publish = publish

    @property
    def wakeup(self) -> WakeUp:
        """See `Delivery`."""
        return self._delivery.wakeup

    @property
    def exhausted(self) -> bool:
        """See `Delivery`."""
        return self._delivery.exhausted

    async def ack(self) -> None:
        """See `Delivery`."""
        await self._publish()
        await self._delivery.ack()

    async def requeue(self) -> None:
        """See `Delivery`."""
        await self._delivery.requeue()

    async def dead_letter(self) -> None:
        """See `Delivery`."""
        await self._delivery.dead_letter()


class AckHandler:
    """Acks, delays or requeues wake-ups, so that every job that is not done is woken again."""

    def __init__(
        self, jobs: JobStore, bus: Bus, events: ProcessorEvents, clock: Callable[[], float]
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._dead_letters = DeadLetters(jobs, bus, events, clock)
        self._clock = clock

    async def ack_ended(self, delivery: Delivery, job: Job) -> None:
        """Ack the wake-up of a job that has ended; publish the job's dead letter first if due."""
        if job.dead_letter_is_due:
            try:
                await self._dead_letters.publish(job)
            except BrokerUnavailable as error:
                log.warning("job=%s dead letter left to the relay: %s", job.id, error)
        await delivery.ack()

    def replaced(self, delivery: Delivery, tenant: Tenant, max_running: int | None) -> Delivery:
        """Return the delivery as one that wakes the tenant's next jobs when it is acknowledged."""

        async def publish() -> None:
            try:
                for wakeup in await self._jobs.first_waiting(
                    tenant, max_running=max_running, now=self._clock()
                ):
                    await self._bus.publish(wakeup)
                    await self._mark_published(wakeup.job_id)
            except (BrokerUnavailable, DatabaseUnavailable) as error:
                log.warning("tenant=%s: its next job is left to the relay: %s", tenant, error)

        return ReplacedDelivery(delivery, publish)

    async def delay(self, delivery: Delivery, delay: float, job_id: UUID | None = None) -> None:
        """Replace the wake-up by one that is delivered after `delay` seconds.

        It is that of `job_id`, if another job was claimed. If the broker does not accept it,
        requeue the wake-up, after 10 s at most.
        """
        wakeup = delivery.wakeup
        if job_id is not None:
            wakeup = replace(wakeup, job_id=job_id)
        await self.move(delivery, wakeup, delay=delay)

    async def move(self, delivery: Delivery, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """Replace the wake-up by another one of the same job. If that fails, as `delay`."""
        try:
            await self._bus.publish(wakeup, delay=delay)
            await self._mark_published(wakeup.job_id)
        except BrokerUnavailable as error:
            log.warning("job=%s wake-up not delayed: %s", wakeup.job_id, error)
            await self._hold(delivery, delay)
        else:
            await delivery.ack()

    async def _hold(self, delivery: Delivery, delay: float) -> None:
        """Requeue the wake-up after a pause, in which it occupies a slot of the consumer.

        Without the pause it would be delivered again at once, and soon be dead-lettered.
        """
        if delivery.exhausted:
            # The table has the job: a relay publishes a wake-up once the broker accepts it.
            await delivery.ack()
            return
        await asyncio.sleep(min(max(delay, SHORTEST_HOLD), LONGEST_HOLD))
        await delivery.requeue()

    async def _mark_published(self, job_id: UUID) -> None:
        try:
            await self._jobs.mark_published(job_id, self._clock())
        except DatabaseUnavailable as error:
            log.warning("job=%s wake-up not recorded: %s", job_id, error)
