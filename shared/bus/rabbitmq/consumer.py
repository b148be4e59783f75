"""Consumes wake-ups from RabbitMQ, over as many connections as it takes, one after the other."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.bus.dispatch import Dispatcher
from shared.bus.rabbitmq.connection import (
    CLOSE_TIMEOUT,
    broker_errors,
    connect,
    declare_topology,
    part_from,
    process_name,
)
from shared.bus.rabbitmq.delivery import RabbitDelivery
from shared.bus.topology import WAITING
from shared.errors import BrokerUnavailable, InvalidInput
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

    from shared.ports import Delivery

FIRST_BACKOFF = 0.2
"""Seconds before connecting anew; doubled while that fails."""
LONGEST_BACKOFF = 5.0

log = logging.getLogger(__name__)


class RabbitConsumer:
    """Keeps one consumer on the broker from `start` to `stop`, whatever happens to connections.

    One thing that happens to them: a delivery that stays unsettled longer than the broker's
    consumer_timeout (30 minutes unless set) makes it close the channel, and deliver again. So a
    wake-up of a long job comes back while its handler still runs; the job's lease tells.
    """

    def __init__(
        self,
        url: str,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        prefetch: int,
        timeout: float,
        on_delivery: Callable[[float], None],
    ) -> None:
        """`on_delivery` is told of each delivery when it was published, in Unix seconds."""
        self._url = url
        self._timeout = timeout
        self._on_delivery = on_delivery
        self._freed = asyncio.Event()
        self._dispatcher = Dispatcher(handle, prefetch=prefetch, on_free=self._freed.set)
        self._stopping = asyncio.Event()
        self._unsubscribed = asyncio.Event()
        self._subscribed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin in the background; the task ends after `stop`, with the last handler."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Return once no new delivery comes and the unhandled ones are being handed back.

        Handlers that still run keep the connection, to settle what they have in hand.
        """
        self._dispatcher.hold()
        self._stopping.set()
        await self._unsubscribed.wait()

    async def cancel(self) -> None:
        """End at once: handlers are cancelled, what they have in hand is delivered again."""
        await self._dispatcher.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        serving = asyncio.create_task(self._serve_on())
        try:
            await self._stopping.wait()
            if not self._subscribed:
                serving.cancel()
            await asyncio.wait((serving,))
            await self._dispatcher.finished()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve_on(self) -> None:
        backoff = FIRST_BACKOFF
        try:
            while not self._stopping.is_set():
                try:
                    await self._serve()
                    backoff = FIRST_BACKOFF
                except BrokerUnavailable as error:
                    log.warning("not consuming, trying again in %.1f s: %s", backoff, error)
                except Exception:  # a consumer that ended would leave wake-ups lying in silence
                    log.exception("not consuming, trying again in %.1f s", backoff)
                with suppress(TimeoutError):
                    async with asyncio.timeout(backoff):
                        await self._stopping.wait()
                backoff = min(backoff * 2, LONGEST_BACKOFF)
        finally:
            self._leave()

    async def _serve(self) -> None:
        """Consume over one connection until it is lost, or until all is done after `stop`.

        Raises BrokerUnavailable if it does not come so far as to consume.
        """
        with broker_errors():
            async with asyncio.timeout(self._timeout):
                connection = await connect(self._url, "consumer")
        try:
            with broker_errors():
                async with asyncio.timeout(self._timeout):
                    channel = await connection.channel(publisher_confirms=False)
                    lost = await _loss_of(channel)
                    await declare_topology(channel)
                    queue = await channel.get_queue(WAITING, ensure=False)
            tags = await self._subscribe_until(lost, channel, queue)
            if self._stopping.is_set():
                await self._take_leave(queue, tags, lost)
            else:
                log.warning("no longer consuming from %s: connection or consumer lost", WAITING)
        finally:
            self._subscribed = False
            self._dispatcher.lose_all()
            await part_from(connection)

    async def _subscribe_until(
        self, lost: asyncio.Event, channel: AbstractChannel, queue: AbstractQueue
    ) -> list[str]:
        """Ask for as many deliveries as there are places, until `lost` or `stop`; consumer tags.

        A handler may still run for a delivery of an earlier connection. What was taken in its
        place would wait here for its end, while others are idle; so that place is asked for then.
        """
        tags: list[str] = []
        asked_for = 0
        while not (lost.is_set() or self._stopping.is_set()):
            self._freed.clear()
            more = self._dispatcher.places - asked_for
            if more > 0:
                tag = f"csvmill {process_name()} {id(self):x}.{len(tags)}"
                with broker_errors():
                    async with asyncio.timeout(self._timeout):
                        # It holds for the consumers that come after it, each by itself.
                        await channel.set_qos(prefetch_count=more)
                        await queue.consume(self._deliver, consumer_tag=tag)
                tags.append(tag)
                asked_for += more
                self._subscribed = True
                log.info("consuming from %s", WAITING)
            elif not tags:
                log.info("busy: consuming from %s when a handler has ended", WAITING)
            await _first_of(lost, self._stopping, self._freed)
        return tags

    async def _take_leave(self, queue: AbstractQueue, tags: list[str], lost: asyncio.Event) -> None:
        try:
            with broker_errors():
                async with asyncio.timeout(self._timeout):
                    for tag in tags:
                        await queue.cancel(tag)
        except BrokerUnavailable as error:
            log.info("consumer not cancelled: %s", error)
            return
        finally:
            self._leave()
        finished = asyncio.create_task(self._dispatcher.finished())
        gone = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait((finished, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished.cancel()
            gone.cancel()

    def _leave(self) -> None:
        self._dispatcher.stop()
        self._unsubscribed.set()

    async def _deliver(self, message: AbstractIncomingMessage) -> None:
        # Runs in a task that ends with the channel: handlers get tasks of their own.
        try:
            wakeup = WakeUp.decode(message.body)
        except InvalidInput as error:
            log.error("dead-lettered message_id=%s: %s", message.message_id, error)  # noqa: TRY400
            with suppress(BrokerUnavailable), broker_errors():
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await message.reject(requeue=False)
        else:
            if message.timestamp is not None:
                self._on_delivery(message.timestamp.timestamp())
            self._dispatcher.submit(RabbitDelivery(wakeup, message))


async def _loss_of(channel: AbstractChannel) -> asyncio.Event:
    """An event for the end of a channel, of its connection, or of its consumer."""
    lost = asyncio.Event()
    below = await channel.get_underlay_channel()
    below.closing.add_done_callback(lambda _: lost.set())
    below.connection.closing.add_done_callback(lambda _: lost.set())
    # The broker cancels a consumer when its queue is deleted, for one.
    below.on_consumer_cancel_callbacks.add(lambda _: lost.set())
    return lost


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
