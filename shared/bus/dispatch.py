"""What both buses share: settling a delivery, and running handlers."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from shared.bus.topology import DELIVERY_LIMIT
from shared.telemetry.ids import bound_ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Delivery
    from shared.telemetry.ids import Ids

FIRST_PAUSE = 0.2
"""Seconds before a wake-up is requeued whose handler raised. Doubles with each redelivery, which
the broker counts: so this is no retry loop of one process."""
LONGEST_PAUSE = 10.0

log = logging.getLogger(__name__)


class Disposition(Enum):
    """How a delivery is settled."""

    ACK = "acknowledged"
    REQUEUE = "requeued"
    FAILED = "requeued after a failure"
    DEAD_LETTER = "dead-lettered"


class TrackedDelivery(ABC):
    """A `Delivery` that knows whether it has been settled, and whether it still can be."""

    def __init__(self, wakeup: WakeUp, *, redeliveries: int, ids: Ids) -> None:
        """`redeliveries`: how often it was requeued. `ids`: those of the publisher."""
        self._wakeup = wakeup
        self.ids = ids
        self._disposition: Disposition | None = None
        self.redeliveries = redeliveries
        self.lost = False
        self.over = asyncio.Event()
        """Set when the delivery is settled or lost, or when the consumer stops."""

    @property
    def wakeup(self) -> WakeUp:
        """The message."""
        return self._wakeup

    @property
    def exhausted(self) -> bool:
        """See `Delivery`."""
        return self.redeliveries >= DELIVERY_LIMIT

    @property
    def open(self) -> bool:
        """Whether the delivery can still be settled."""
        return self._disposition is None and not self.lost

    async def ack(self) -> None:
        """See `Delivery`."""
        await self.settle(Disposition.ACK)

    async def requeue(self) -> None:
        """See `Delivery`."""
        await self.settle(Disposition.REQUEUE)

    async def dead_letter(self) -> None:
        """See `Delivery`."""
        await self.settle(Disposition.DEAD_LETTER)

    async def settle(self, disposition: Disposition) -> None:
        """Settle the delivery. Raises RuntimeError if it is settled already, a handler's defect."""
        if self._disposition is not None:
            raise RuntimeError(
                f"job={self._wakeup.job_id}: wake-up was {self._disposition.value} already, and"
                f" cannot be {disposition.value}"
            )
        self._disposition = disposition
        try:
            if self.lost:
                log.info(
                    "job=%s: wake-up not %s: its connection is lost; it will be redelivered",
                    self._wakeup.job_id,
                    disposition.value,
                )
            else:
                # Completed even if the caller is cancelled.
                await asyncio.shield(self._send(disposition))
        finally:
            self.over.set()

    def lose(self) -> None:
        """Note that the delivery's connection is lost: the broker redelivers it."""
        self.lost = True
        self.over.set()

    @abstractmethod
    async def _send(self, disposition: Disposition) -> None:
        """Send the disposition to the broker. Must not raise if that fails."""


class Dispatcher:
    """Runs `handle` for deliveries, at most `prefetch` at a time.

    A delivery occupies a slot until its handler has ended and it has been settled. If the handler
    ends without settling it, it is kept until `stop`, and requeued then. If the handler raises, the
    error is logged and the delivery requeued after a pause, which grows with each redelivery.
    """

    def __init__(
        self,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        prefetch: int,
        on_free: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_free` is called whenever a slot becomes free."""
        if prefetch < 1:
            raise ValueError(f"prefetch is {prefetch}; a consumer needs at least 1")
        self._handle = handle
        self._prefetch = prefetch
        self._on_free = on_free
        self._queued: deque[TrackedDelivery] = deque()
        self._running: dict[asyncio.Task[None], TrackedDelivery] = {}
        self._requeueing: set[asyncio.Task[None]] = set()
        self._paused = False
        self._stopped = False

    @property
    def free(self) -> bool:
        """Whether a further delivery would be handled immediately."""
        return not self._paused and len(self._queued) + len(self._running) < self._prefetch

    @property
    def slots(self) -> int:
        """How many deliveries of the current connection may be unsettled at a time.

        A handler whose delivery came over an earlier connection occupies a slot until it ends.
        """
        return self._prefetch - sum(delivery.lost for delivery in self._running.values())

    def submit(self, delivery: TrackedDelivery) -> None:
        """Handle a delivery as soon as a slot is free."""
        if self._stopped:
            self._requeue(delivery)
        else:
            self._queued.append(delivery)
            self._start()

    def lose_all(self) -> None:
        """Note that the connection is lost: no delivery submitted so far can be settled."""
        for delivery in (*self._queued, *self._running.values()):
            delivery.lose()
        self._queued.clear()

    def pause(self) -> None:
        """Start no further handler."""
        self._paused = True

    def stop(self) -> None:
        """Pause, and requeue the deliveries that no handler has or that handlers leave open.

        Call it when no more deliveries arrive: requeued ones would be delivered here again.
        """
        self._paused = self._stopped = True
        while self._queued:
            self._requeue(self._queued.popleft())
        for delivery in self._running.values():
            delivery.over.set()

    async def finished(self) -> None:
        """Wait until every handler has ended and every delivery is settled or lost."""
        while pending := {*self._running, *self._requeueing}:
            await asyncio.wait(pending)

    async def cancel(self) -> None:
        """Cancel the running handlers and wait for their end."""
        self._paused = True
        tasks = {*self._running, *self._requeueing}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        while not self._paused and self._queued and len(self._running) < self._prefetch:
            delivery = self._queued.popleft()
            task = asyncio.create_task(self._run(delivery))
            self._running[task] = delivery
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("a wake-up could not be settled", exc_info=error)
        self._start()
        self._on_free()

    def _requeue(self, delivery: TrackedDelivery) -> None:
        task = asyncio.create_task(delivery.requeue())
        self._requeueing.add(task)
        task.add_done_callback(self._requeueing.discard)

    async def _run(self, delivery: TrackedDelivery) -> None:
        # The task inherits the context of whatever started it, not of the delivery.
        with bound_ids(delivery.ids):
            await self._run_handler(delivery)

    async def _run_handler(self, delivery: TrackedDelivery) -> None:
        try:
            await self._handle(delivery)
        except Exception:
            log.exception("job=%s: handling its wake-up failed", delivery.wakeup.job_id)
            pause = min(FIRST_PAUSE * 2**delivery.redeliveries, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await delivery.over.wait()
            if delivery.open:
                await delivery.settle(Disposition.FAILED)
        else:
            await delivery.over.wait()
            if delivery.open:
                await delivery.requeue()
