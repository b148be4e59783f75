"""Publishes wake-ups to RabbitMQ with publisher confirms."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from aio_pika import DeliveryMode, Message

from shared.bus.rabbitmq.connection import broker_errors, close, connect, declare_topology
from shared.bus.topology import DEAD, LONGEST_DELAY, queue_for
from shared.errors import BrokerUnavailable
from shared.telemetry.propagation import outgoing_properties

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

    from shared.jobs.wake_up import WakeUp

PING = "csvmill.ping"
"""A routing key without a queue."""


class RabbitPublisher:
    """Publishes over a connection of its own, opened on first use and again after any failure.

    It must not share a connection with a consumer: a broker that is short of memory or disk stops
    reading from connections that publish, and acks would not arrive.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._connecting = asyncio.Lock()
        self._current: _Link | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def publish(self, wakeup: WakeUp, *, delay: float) -> None:
        """See `Bus`."""
        delay = min(delay, LONGEST_DELAY)
        message = _message(wakeup)
        if delay > 0:
            # Whole milliseconds in the message, rounded up: never early.
            message.expiration = math.ceil(delay * 1000) / 1000
        await self._send(message, queue_for(delay, small=wakeup.small))

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """See `Bus`."""
        await self._send(_message(wakeup), DEAD)

    async def waiting(self, queue: str) -> int:
        """Return the number of wake-ups in `queue` that were not delivered to a consumer yet."""
        async with self._link() as link:
            declared = await link.channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0

    async def ping(self) -> None:
        """See `Bus`. Publishes to no queue, which the broker confirms.

        Twice, because a broker that is short of memory or disk blocks a connection only after the
        first message on it, and still answers all other requests.
        """
        async with self._link() as link:
            for _ in range(2):
                await link.exchange.publish(Message(b""), PING, mandatory=False)

    async def close(self) -> None:
        """Close the connection. Every later call raises BrokerUnavailable."""
        self._closed = True
        self._drop(self._current)
        await asyncio.gather(*self._closing)

    async def _send(self, message: Message, queue: str) -> None:
        async with self._link() as link:
            await link.exchange.publish(message, queue, mandatory=True)

    @asynccontextmanager
    async def _link(self) -> AsyncIterator[_Link]:
        """Provide the open connection for one operation in bounded time.

        Raises BrokerUnavailable. The next operation uses a new connection then, as the state of
        this one is unknown.
        """
        link: _Link | None = None
        try:
            with broker_errors():
                async with asyncio.timeout(self._timeout):
                    link = await self._connected()
                    yield link
        except BrokerUnavailable:
            self._drop(link)
            raise

    async def _connected(self) -> _Link:
        async with self._connecting:
            if self._closed:
                raise BrokerUnavailable("the bus is closed")
            if self._current and not self._current.channel.is_closed:
                return self._current
            self._drop(self._current)
            connection = await connect(self._url, "publisher")
            try:
                channel = await connection.channel(on_return_raises=True)
                exchange = await declare_topology(channel)
            except BaseException:
                self._close_later(connection)
                raise
            self._current = _Link(connection, channel, exchange)
            return self._current

    def _drop(self, link: _Link | None) -> None:
        if link and link is self._current:
            self._current = None
            self._close_later(link.connection)

    def _close_later(self, connection: AbstractConnection) -> None:
        task = asyncio.create_task(close(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _message(wakeup: WakeUp) -> Message:
    return Message(
        wakeup.encode(),
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type="application/json",
        type="wake-up",
        message_id=uuid4().hex,
        correlation_id=str(wakeup.job_id),
        timestamp=time.time(),
        app_id="csvmill",
        headers=dict(outgoing_properties()),
    )


@dataclass(frozen=True, slots=True)
class _Link:
    connection: AbstractConnection
    channel: AbstractChannel
    exchange: AbstractExchange
