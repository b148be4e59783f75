"""Consumers and publishers of wake-ups on RabbitMQ."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from shared.bus.rabbitmq.bus import RabbitBus
    from shared.ports import Delivery


class Inbox:
    """A handler that passes deliveries to the test."""

    def __init__(self, *, held: bool = False) -> None:
        """With `held`, the handler waits until `may_end` is set."""
        self.may_end = asyncio.Event()
        if not held:
            self.may_end.set()
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    async def __call__(self, delivery: Delivery) -> None:
        self._deliveries.put_nowait(delivery)
        await self.may_end.wait()

    async def next(self) -> Delivery:
        """Return the next delivery."""
        return await asyncio.wait_for(self._deliveries.get(), 30)


async def publish(bus: RabbitBus, count: int) -> set[WakeUp]:
    wakeups = {WakeUp(uuid4()) for _ in range(count)}
    for wakeup in wakeups:
        await bus.publish(wakeup)
    return wakeups


async def publish_until_confirmed(bus: RabbitBus, wakeup: WakeUp) -> None:
    """Publish like a relay: repeat until it is confirmed."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await bus.publish(wakeup)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)
