"""A virtual host on a broker that the tests may not administer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aio_pika

from shared.bus import topology

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 30.0


@contextmanager
def emptied_vhost(url: str) -> Iterator[None]:
    """Delete our queues and exchange in the virtual host of `url`, before and afterwards.

    Other queues and exchanges are not changed.
    """
    _in_a_thread(url)
    try:
        yield
    finally:
        _in_a_thread(url)


def _in_a_thread(url: str) -> None:
    # In a thread, so that it also works where an event loop runs already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(_delete_topology(url))).result()


async def _delete_topology(url: str) -> None:
    async with asyncio.timeout(_TIMEOUT):
        connection = await aio_pika.connect(url)
        async with connection, connection.channel() as channel:
            for queue in topology.QUEUES:
                await channel.queue_delete(queue.name)
            await channel.exchange_delete(topology.EXCHANGE)
