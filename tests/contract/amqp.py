"""The broker as somebody other than the bus sees it."""

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
    """A channel on a connection of its own."""
    async with await aio_pika.connect(url, timeout=10) as connection:
        yield await connection.channel()


async def next_message(channel: AbstractChannel, queue_name: str) -> AbstractIncomingMessage:
    """Take the next message out of a queue, waiting for it if need be."""
    queue = await channel.get_queue(queue_name)
    async with asyncio.timeout(20):
        while True:
            if message := await queue.get(no_ack=True, fail=False):
                return message
            await asyncio.sleep(0.01)


@asynccontextmanager
async def without_topology(url: str) -> AsyncIterator[None]:
    """Start with nothing of what the bus declares, on a broker that is not fresh either."""
    async with raw_channel(url) as channel:
        for spec in QUEUES:
            await channel.queue_delete(spec.name)
        await channel.exchange_delete(EXCHANGE)
    yield
