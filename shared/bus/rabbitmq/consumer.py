"""Consumes wake-ups from RabbitMQ, and reconnects when the connection is lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import stamina

from shared.bus.dispatch import Dispatcher
from shared.bus.rabbitmq.connection import (
    CLOSE_TIMEOUT,
    broker_errors,
    close,
    connect,
    declare_topology,
    process_name,
)
from shared.bus.rabbitmq.delivery import RabbitDelivery
from shared.errors import BrokerUnavailable, InvalidInput
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

    from shared.ports import Delivery

FIRST_BACKOFF = 0.2
"""Seconds before reconnecting. Doubles while that fails."""
LONGEST_BACKOFF = 5.0

log = logging.getLogger(__name__)


class RabbitConsumer:
    """Keeps one consumer on the broker from `start` to `stop`, over any number of connections.

    A delivery that is unsettled for longer than the broker's consumer_timeout (30 minutes by
    default) makes the broker close the channel and redeliver. So the wake-up of a long job is
    redelivered while its handler still runs; the job's lease shows that.
    """

    def __init__(
        self,
        url: str,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        queue: str,
        prefetch: int,
        timeout: float,
        on_delivery: Callable[[float], None],
    ) -> None:
        """`on_delivery` is called with the time of publication (Unix seconds) of each delivery."""
        self._url = url
        self._queue = queue
        self._timeout = timeout
        self._on_delivery = on_delivery
        self._freed = asyncio.Event()
        self._dispatcher = Dispatcher(handle, prefetch=prefetch, on_free=self._freed.set)
        self._stopping = asyncio.Event()
        self._unsubscribed = asyncio.Event()
        self._subscribed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Start in the background. The returned task ends after `stop`, with the last handler."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Return once no new deliveries arrive and the unhandled ones are being requeued.

        The connection stays open for running handlers to settle their deliveries.
        """
        self._dispatcher.pause()
        self._stopping.set()
        await self._unsubscribed.wait()

    async def cancel(self) -> None:
        """Cancel all handlers. The broker redelivers what they have not settled."""
        await self._dispatcher.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        serving = asyncio.create_task(self._serve_until_stopped())
        try:
            await self._stopping.wait()
            if not self._subscribed:
                serving.cancel()
            await asyncio.wait((serving,))
            await self._dispatcher.finished()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve_until_stopped(self) -> None:
        try:
            while not self._stopping.is_set():
                await self._serve_with_backoff()
                with suppress(TimeoutError):
                    async with asyncio.timeout(FIRST_BACKOFF):
                        await self._stopping.wait()
        finally:
            self._stop_dispatching()

    async def _serve_with_backoff(self) -> None:
        """Consume over one connection; try again until one can be opened, or until `stop`.

        Checks `stop` before each attempt: a cancelled attempt to connect may fail with another
        error instead.
        """
        async for attempt in stamina.retry_context(
            on=Exception,
            attempts=None,
            timeout=None,
            wait_initial=FIRST_BACKOFF,
            wait_max=LONGEST_BACKOFF,
            wait_jitter=FIRST_BACKOFF,
        ):
            with attempt:
                if self._stopping.is_set():
                    return
                try:
                    await self._serve()
                except BrokerUnavailable as error:
                    log.warning("not consuming, next try in %.1f s: %s", attempt.next_wait, error)
                    raise
                except Exception:  # without a consumer, wake-ups would wait unnoticed
                    log.exception("not consuming, next try in %.1f s", attempt.next_wait)
                    raise

    async def _serve(self) -> None:
        """Consume over one connection until it is lost, or until the handlers end after `stop`.

        Raises BrokerUnavailable if the consumer cannot be started.
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
                    queue = await channel.get_queue(self._queue, ensure=False)
            tags = await self._subscribe_until(lost, channel, queue)
            if self._stopping.is_set():
                await self._unsubscribe(queue, tags, lost)
            else:
                log.warning("no longer consuming from %s: connection or consumer lost", self._queue)
        finally:
            self._subscribed = False
            self._dispatcher.lose_all()
            await close(connection)

    async def _subscribe_until(
        self, lost: asyncio.Event, channel: AbstractChannel, queue: AbstractQueue
    ) -> list[str]:
        """Subscribe to as many deliveries as there are slots, until `lost` or `stop`.

        Returns the consumer tags. The slot of a handler that still runs for an earlier connection
        is added when it ends: a delivery prefetched for it would wait here while other processors
        are idle.
        """
        tags: list[str] = []
        subscribed = 0
        while not (lost.is_set() or self._stopping.is_set()):
            self._freed.clear()
            more = self._dispatcher.slots - subscribed
            if more > 0:
                tag = f"csvmill {process_name()} {id(self):x}.{len(tags)}"
                with broker_errors():
                    async with asyncio.timeout(self._timeout):
                        # Applies to each consumer that is started after it.
                        await channel.set_qos(prefetch_count=more)
                        await queue.consume(self._deliver, consumer_tag=tag)
                tags.append(tag)
                subscribed += more
                self._subscribed = True
                log.info("consuming from %s", self._queue)
            elif not tags:
                log.info("busy: consuming from %s when a handler has ended", self._queue)
            await _first_of(lost, self._stopping, self._freed)
        return tags

    async def _unsubscribe(
        self, queue: AbstractQueue, tags: list[str], lost: asyncio.Event
    ) -> None:
        try:
            with broker_errors():
                async with asyncio.timeout(self._timeout):
                    for tag in tags:
                        await queue.cancel(tag)
        except BrokerUnavailable as error:
            log.info("consumer not cancelled: %s", error)
            return
        finally:
            self._stop_dispatching()
        finished = asyncio.create_task(self._dispatcher.finished())
        gone = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait((finished, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished.cancel()
            gone.cancel()

    def _stop_dispatching(self) -> None:
        self._dispatcher.stop()
        self._unsubscribed.set()

    async def _deliver(self, message: AbstractIncomingMessage) -> None:
        # This task ends with the channel, so handlers run in tasks of their own.
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
    """Return an event that is set when the channel, its connection or its consumer ends."""
    lost = asyncio.Event()
    below = await channel.get_underlay_channel()
    below.closing.add_done_callback(lambda _: lost.set())
    below.connection.closing.add_done_callback(lambda _: lost.set())
    # The broker cancels a consumer, for instance, when its queue is deleted.
    below.on_consumer_cancel_callbacks.add(lambda _: lost.set())
    return lost


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
