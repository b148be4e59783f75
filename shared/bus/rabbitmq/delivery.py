"""A wake-up as RabbitMQ delivers it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from shared.bus.dispatch import TrackedDelivery, Verdict
from shared.bus.rabbitmq.connection import CLOSE_TIMEOUT, broker_errors
from shared.errors import BrokerUnavailable
from shared.telemetry.propagation import ids_of_message

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from shared.jobs.wake_up import WakeUp

log = logging.getLogger(__name__)


class RabbitDelivery(TrackedDelivery):
    """Settled on the connection that it came over, in bounded time."""

    def __init__(self, wakeup: WakeUp, message: AbstractIncomingMessage) -> None:
        count = message.headers.get("x-delivery-count", 0)
        super().__init__(
            wakeup,
            returns=count if isinstance(count, int) else 0,
            ids=ids_of_message(message.headers, wakeup.job_id),
        )
        self._message = message

    async def _send(self, verdict: Verdict) -> None:
        try:
            with broker_errors():
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    match verdict:
                        case Verdict.ACK:
                            await self._message.ack()
                        case Verdict.REQUEUE:
                            await self._message.nack(requeue=True)
                        case Verdict.FAILED:
                            # RabbitMQ from 4.3 on counts a reject towards the delivery limit,
                            # and a nack not; before, it counts both.
                            await self._message.reject(requeue=True)
                        case Verdict.DEAD_LETTER:
                            await self._message.reject(requeue=False)
        except BrokerUnavailable as error:
            log.info(
                "job=%s: wake-up is not %s, it is delivered again: %s",
                self.wakeup.job_id,
                verdict.value,
                error,
            )
