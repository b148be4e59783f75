"""What publisher and consumer have in common: how to connect, and what can go wrong.

Connections are plain ones that we replace ourselves. aio-pika's robust ones hide a loss until the
broker is back (a publish then hangs), and do not notice a consumer that the broker has cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aio_pika
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from yarl import URL

from shared.bus.topology import EXCHANGE, QUEUES
from shared.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

HEARTBEAT = 10
"""Seconds between heartbeats, unless the URL has `?heartbeat=`. Two missed ones end the
connection on the broker's side, three on ours."""
CLOSE_TIMEOUT = 5.0
"""Seconds at most for the farewell of a connection."""

log = logging.getLogger(__name__)


async def connect(url: str, role: str) -> AbstractConnection:
    """A connection named after its role and this process. Bound its time."""
    target = URL(url)
    if "heartbeat" not in target.query:
        target = target.update_query(heartbeat=HEARTBEAT)
    return await aio_pika.connect(
        target, client_properties={"connection_name": f"csvmill {role} {process_name()}"}
    )


async def declare_topology(channel: AbstractChannel) -> AbstractExchange:
    """Make every exchange, queue and binding that is missing."""
    exchange = await channel.declare_exchange(EXCHANGE, durable=True)
    for spec in QUEUES:
        queue = await channel.declare_queue(spec.name, durable=True, arguments=dict(spec.arguments))
        await queue.bind(exchange, spec.name)
    return exchange


async def part_from(connection: AbstractConnection) -> None:
    """Close a connection of which nothing more is expected, in bounded time."""
    try:
        with broker_errors():
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.close()
    except BrokerUnavailable as error:
        log.info("connection dropped without farewell: %s", error)


@contextmanager
def broker_errors() -> Iterator[None]:
    """Turn everything by which a broker fails to serve into BrokerUnavailable."""
    try:
        yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BrokerUnavailable(f"broker: {str(error) or type(error).__name__}") from error
    except asyncio.CancelledError as error:
        # aiormq ends what waits on a closing connection with a CancelledError of its own.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable("broker: connection closed") from error


def process_name() -> str:
    """This process, for the eyes of an operator."""
    return f"{socket.gethostname()}:{os.getpid()}"
