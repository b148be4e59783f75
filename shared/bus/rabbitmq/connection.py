"""What publisher and consumer share: connecting, closing, and translating errors.

The connections are plain ones, which their users replace. aio-pika's robust connections hide a loss
until the broker is back (a publish hangs then), and miss that the broker has cancelled a consumer.
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
"""Seconds that closing a connection, or settling a delivery, may take."""

log = logging.getLogger(__name__)


async def connect(url: str, role: str) -> AbstractConnection:
    """Open a connection named after its role and this process. The caller sets a timeout."""
    target = URL(url)
    if "heartbeat" not in target.query:
        target = target.update_query(heartbeat=HEARTBEAT)
    return await aio_pika.connect(
        target, client_properties={"connection_name": f"csvmill {role} {process_name()}"}
    )


async def declare_topology(channel: AbstractChannel) -> AbstractExchange:
    """Declare the exchange, the queues and the bindings; return the exchange."""
    exchange = await channel.declare_exchange(EXCHANGE, durable=True)
    for spec in QUEUES:
        queue = await channel.declare_queue(spec.name, durable=True, arguments=dict(spec.arguments))
        await queue.bind(exchange, spec.name)
    return exchange


async def close(connection: AbstractConnection) -> None:
    """Close a connection within `CLOSE_TIMEOUT`. Errors are logged only."""
    try:
        with broker_errors():
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.close()
    except BrokerUnavailable as error:
        log.info("connection not closed in order: %s", error)


@contextmanager
def broker_errors() -> Iterator[None]:
    """Turn the errors of an unavailable broker into BrokerUnavailable."""
    try:
        yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BrokerUnavailable(f"broker: {str(error) or type(error).__name__}") from error
    except asyncio.CancelledError as error:
        # aiormq raises CancelledError itself in calls that wait on a closing connection.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable("broker: connection closed") from error


def process_name() -> str:
    """Return the name of this process for operators: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
