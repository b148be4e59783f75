"""Publishes wake-ups to RabbitMQ, each confirmed by the broker."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from aio_pika import DeliveryMode, Message

from shared.bus.rabbitmq.connection import broker_errors, connect, declare_topology, part_from
from shared.bus.topology import DEAD, LONGEST_DELAY, WAITING, queue_for
from shared.errors import BrokerUnavailable
from shared.telemetry.propagation import outgoing_properties

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

    from shared.jobs.wake_up import WakeUp

PING = "csvmill.ping"
"""A routing key to which no queue is bound."""


class RabbitPublisher:
    """A connection of its own, made when it is first needed, and made anew after any failure.

    Publishing must not share a connection with consuming: when the broker is short of memory or
    disk it stops reading from connections that publish, and acknowledgements would be stuck.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._connecting = asyncio.Lock()
        self._current: _Link | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._closed = False

    async def publish(self, wakeup: WakeUp, *, delay: float) -> None:
        """See `Bus`."""
        delay = min(delay, LONGEST_DELAY)
        message = _message(wakeup)
        if delay > 0:
            # Whole milliseconds on the wire, rounded up: never early.
            message.expiration = math.ceil(delay * 1000) / 1000
        await self._send(message, queue_for(delay))

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """See `Bus`."""
        await self._send(_message(wakeup), DEAD)

    async def waiting(self) -> int:
        """How many wake-ups no consumer has been delivered yet."""
        async with self._link() as link:
            queue = await link.channel.declare_queue(WAITING, passive=True)
            return queue.declaration_result.message_count or 0

    async def ping(self) -> None:
        """See `Bus`: publishes what goes nowhere, which the broker confirms.

        Twice, because a broker short of memory or disk blocks a connection only after the first
        message that came over it; all other requests it answers even then.
        """
        async with self._link() as link:
            for _ in range(2):
                await link.exchange.publish(Message(b""), PING, mandatory=False)

    async def close(self) -> None:
        """Part from the broker. Every later call raises BrokerUnavailable."""
        self._closed = True
        self._drop(self._current)
        await asyncio.gather(*self._farewells)

    async def _send(self, message: Message, queue: str) -> None:
        async with self._link() as link:
            await link.exchange.publish(message, queue, mandatory=True)

    @asynccontextmanager
    async def _link(self) -> AsyncIterator[_Link]:
        """The way to the broker, for one exchange of words with it in bounded time.

        Raises BrokerUnavailable; the way is then a new one next time, as nothing is known about
        the state of this one.
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
                self._part(connection)
                raise
            self._current = _Link(connection, channel, exchange)
            return self._current

    def _drop(self, link: _Link | None) -> None:
        if link and link is self._current:
            self._current = None
            self._part(link.connection)

    def _part(self, connection: AbstractConnection) -> None:
        task = asyncio.create_task(part_from(connection))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


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
