"""Publishers of wake-ups on RabbitMQ."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.errors import BrokerUnavailable
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from shared.bus.rabbitmq.bus import RabbitBus


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
