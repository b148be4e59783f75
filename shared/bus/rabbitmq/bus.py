"""The bus on RabbitMQ (3.10 or newer)."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Self

from shared.bus.rabbitmq.consumer import RabbitConsumer
from shared.bus.rabbitmq.publisher import RabbitPublisher
from shared.bus.topology import SMALL, WAITING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Delivery


class RabbitBus:
    """The `Bus` (see `shared.ports`) on the broker at `url` (`amqp://` or `amqps://`).

    Use as an async context manager. The broker may be unavailable, at the start and later:
    consuming starts and resumes when it is back, and publishing raises BrokerUnavailable until
    then. `timeout`: seconds for a publish until its confirmation, including connecting.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url
        self._timeout = timeout
        self._publisher = RabbitPublisher(url, timeout=timeout)
        self._latest_delivered = {WAITING: 0.0, SMALL: 0.0}
        """When the latest wake-up delivered from each queue was published, in Unix seconds."""
        self._consumers: dict[asyncio.Task[None], RabbitConsumer] = {}

    async def close(self) -> None:
        """Cancel the running handlers and close every connection."""
        for consumer in tuple(self._consumers.values()):
            await consumer.cancel()
        await self._publisher.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """See `Bus`."""
        await self._publisher.publish(wakeup, delay=delay)

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """See `Bus`."""
        await self._publisher.dead_letter(wakeup)

    @asynccontextmanager
    async def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int, small: bool = False
    ) -> AsyncIterator[None]:
        """See `Bus`."""
        queue = SMALL if small else WAITING
        consumer = RabbitConsumer(
            self._url,
            handle,
            queue=queue,
            prefetch=prefetch,
            timeout=self._timeout,
            on_delivery=partial(self._note_publication, queue),
        )
        task = consumer.start()
        self._consumers[task] = consumer
        task.add_done_callback(self._consumers.pop)
        try:
            yield
        finally:
            await consumer.stop()

    async def lost_before(self, lost_after: float) -> float:
        """See `Bus`."""
        latest = time.time()
        for queue, delivered in self._latest_delivered.items():
            if await self._publisher.waiting(queue):
                # A publisher's clock may be ahead of ours.
                latest = min(delivered, latest)
        return latest - lost_after

    async def ping(self) -> None:
        """See `Bus`."""
        await self._publisher.ping()

    def _note_publication(self, queue: str, published: float) -> None:
        self._latest_delivered[queue] = max(self._latest_delivered[queue], published)
