"""Direct access to the broker, without the bus."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aio_pika

from shared.bus.topology import EXCHANGE, QUEUES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage


@asynccontextmanager
async def raw_channel(url: str) -> AsyncIterator[AbstractChannel]:
    """Open a channel on a new connection."""
    async with await aio_pika.connect(url, timeout=10) as connection:
        yield await connection.channel()


async def next_message(channel: AbstractChannel, queue_name: str) -> AbstractIncomingMessage:
    """Wait for the next message of a queue and take it."""
    queue = await channel.get_queue(queue_name)
    async with asyncio.timeout(20):
        while True:
            if message := await queue.get(no_ack=True, fail=False):
                return message
            await asyncio.sleep(0.01)


@asynccontextmanager
async def without_topology(url: str) -> AsyncIterator[None]:
    """Delete what the bus declares, in case the broker was used before."""
    async with raw_channel(url) as channel:
        for spec in QUEUES:
            await channel.queue_delete(spec.name)
        await channel.exchange_delete(EXCHANGE)
    yield
