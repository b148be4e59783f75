"""A bus with metrics."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from prometheus_client import Counter

from shared.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from prometheus_client import CollectorRegistry

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus, Delivery


class BusMetrics:
    """The wake-ups that a process publishes and receives."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "csvmill_wake_ups_published_total",
            "Wake-ups that the broker has confirmed.",
            registry=registry,
        )
        self.failures = Counter(
            "csvmill_publish_failures_total",
            "Wake-ups and dead letters that were not confirmed in time; the relay repeats them.",
            registry=registry,
        )
        self.dead_letters = Counter(
            "csvmill_dead_letters_total",
            "Messages of failed jobs that the broker has confirmed to be in the dead-letter queue.",
            registry=registry,
        )
        self.delivered = Counter(
            "csvmill_wake_ups_delivered_total",
            "Wake-ups that the broker has delivered.",
            registry=registry,
        )


class CountedBus:
    """Wraps a `Bus` (see `shared.ports`) and counts its messages."""

    def __init__(self, bus: Bus, metrics: BusMetrics) -> None:
        self._bus = bus
        self._metrics = metrics

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """See `Bus`."""
        with self._failures_counted():
            await self._bus.publish(wakeup, delay=delay)
        self._metrics.published.inc()

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """See `Bus`."""
        with self._failures_counted():
            await self._bus.dead_letter(wakeup)
        self._metrics.dead_letters.inc()

    @asynccontextmanager
    async def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int, small: bool = False
    ) -> AsyncIterator[None]:
        """See `Bus`."""

        async def counted(delivery: Delivery) -> None:
            self._metrics.delivered.inc()
            await handle(delivery)

        async with self._bus.consume(counted, prefetch=prefetch, small=small):
            yield

    async def lost_before(self, lost_after: float) -> float:
        """See `Bus`."""
        return await self._bus.lost_before(lost_after)

    async def ping(self) -> None:
        """See `Bus`."""
        await self._bus.ping()

    @contextmanager
    def _failures_counted(self) -> Iterator[None]:
        try:
            yield
        except BrokerUnavailable:
            self._metrics.failures.inc()
            raise
