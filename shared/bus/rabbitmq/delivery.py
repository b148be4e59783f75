"""A wake-up as RabbitMQ delivers it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from shared.bus.dispatch import Disposition, TrackedDelivery
from shared.bus.rabbitmq.connection import CLOSE_TIMEOUT, broker_errors
from shared.errors import BrokerUnavailable
from shared.telemetry.propagation import ids_of_message

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from shared.jobs.wake_up import WakeUp

log = logging.getLogger(__name__)


class RabbitDelivery(TrackedDelivery):
    """A delivery that is settled on its own connection, in bounded time."""

    def __init__(self, wakeup: WakeUp, message: AbstractIncomingMessage) -> None:
        count = message.headers.get("x-delivery-count", 0)
        super().__init__(
            wakeup,
            redeliveries=count if isinstance(count, int) else 0,
            ids=ids_of_message(message.headers, wakeup.job_id),
        )
        self._message = message

    async def _send(self, disposition: Disposition) -> None:
        try:
            with broker_errors():
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    match disposition:
                        case Disposition.ACK:
                            await self._message.ack()
                        case Disposition.REQUEUE:
                            await self._message.nack(requeue=True)
                        case Disposition.FAILED:
                            # From RabbitMQ 4.3 on, a reject counts towards the delivery limit and
                            # a nack does not. Before, both count.
                            await self._message.reject(requeue=True)
                        case Disposition.DEAD_LETTER:
                            await self._message.reject(requeue=False)
        except BrokerUnavailable as error:
            log.info(
                "job=%s: wake-up not %s, it will be redelivered: %s",
                self.wakeup.job_id,
                disposition.value,
                error,
            )
