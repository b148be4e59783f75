"""What both buses have in common: how a delivery is settled, and how handlers are run."""

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
"""Seconds before a wake-up whose handler raised is returned; doubled with each return of it."""
LONGEST_PAUSE = 10.0

log = logging.getLogger(__name__)


class Verdict(Enum):
    """What becomes of a delivery."""

    ACK = "acknowledged"
    REQUEUE = "handed back"
    FAILED = "handed back after a failure"
    DEAD_LETTER = "dead-lettered"


class TrackedDelivery(ABC):
    """A `Delivery` that knows whether it has been settled, and whether it still can be."""

    def __init__(self, wakeup: WakeUp, *, returns: int, ids: Ids) -> None:
        """`returns`: how often this wake-up has come back from a consumer before.

        `ids`: on whose behalf it was published.
        """
        self._wakeup = wakeup
        self.ids = ids
        self._verdict: Verdict | None = None
        self.returns = returns
        self.lost = False
        self.over = asyncio.Event()
        """Set when there is nothing left to wait for: settled, lost, or the consumer stops."""

    @property
    def wakeup(self) -> WakeUp:
        """The message."""
        return self._wakeup

    @property
    def exhausted(self) -> bool:
        """See `Delivery`."""
        return self.returns >= DELIVERY_LIMIT

    @property
    def open(self) -> bool:
        """Whether it is still to be settled."""
        return self._verdict is None and not self.lost

    async def ack(self) -> None:
        """See `Delivery`."""
        await self.settle(Verdict.ACK)

    async def requeue(self) -> None:
        """See `Delivery`."""
        await self.settle(Verdict.REQUEUE)

    async def dead_letter(self) -> None:
        """See `Delivery`."""
        await self.settle(Verdict.DEAD_LETTER)

    async def settle(self, verdict: Verdict) -> None:
        """Raises RuntimeError if it has been settled before, which is a defect of the handler."""
        if self._verdict is not None:
            raise RuntimeError(
                f"job={self._wakeup.job_id}: wake-up was {self._verdict.value} already, and is"
                f" now to be {verdict.value}"
            )
        self._verdict = verdict
        try:
            if self.lost:
                log.info(
                    "job=%s: wake-up is not %s, its connection is gone; it is delivered again",
                    self._wakeup.job_id,
                    verdict.value,
                )
            else:
                # A verdict that was begun is carried through, whoever loses patience.
                await asyncio.shield(self._send(verdict))
        finally:
            self.over.set()

    def lose(self) -> None:
        """The connection it came over is gone: the broker delivers it again by itself."""
        self.lost = True
        self.over.set()

    @abstractmethod
    async def _send(self, verdict: Verdict) -> None:
        """Tell the broker. Raises nothing if the broker cannot be told."""


class Dispatcher:
    """Runs `handle` for deliveries, at most `prefetch` at a time.

    A delivery keeps its place until its handler has ended and it has been settled: one that a
    handler leaves open is kept until `stop`, and then handed back. When a handler raises, that is
    logged and the delivery handed back after a pause, which grows each time.
    """

    def __init__(
        self,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        prefetch: int,
        on_free: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_free` is called whenever a place has become free."""
        if prefetch < 1:
            raise ValueError(f"prefetch is {prefetch}; a consumer takes at least one")
        self._handle = handle
        self._prefetch = prefetch
        self._on_free = on_free
        self._queued: deque[TrackedDelivery] = deque()
        self._running: dict[asyncio.Task[None], TrackedDelivery] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self._holding = False
        self._stopped = False

    @property
    def free(self) -> bool:
        """Whether a further delivery would be handled at once."""
        return not self._holding and len(self._queued) + len(self._running) < self._prefetch

    @property
    def places(self) -> int:
        """How many deliveries may be in hand of the connection that is used now.

        A handler that has outlasted the connection of its delivery keeps its place until it ends.
        """
        return self._prefetch - sum(delivery.lost for delivery in self._running.values())

    def submit(self, delivery: TrackedDelivery) -> None:
        """Have a delivery handled as soon as there is a place."""
        if self._stopped:
            self._return(delivery)
        else:
            self._queued.append(delivery)
            self._start()

    def lose_all(self) -> None:
        """The connection is gone: nothing that was submitted can be settled any more."""
        for delivery in (*self._queued, *self._running.values()):
            delivery.lose()
        self._queued.clear()

    def hold(self) -> None:
        """Start no further handler."""
        self._holding = True

    def stop(self) -> None:
        """`hold`, and hand back what no handler has and what handlers leave open.

        To be called once nothing more is delivered, or what is handed back would return at once.
        """
        self._holding = self._stopped = True
        while self._queued:
            self._return(self._queued.popleft())
        for delivery in self._running.values():
            delivery.over.set()

    async def finished(self) -> None:
        """Wait until every handler has ended and every delivery has been settled or lost."""
        while pending := {*self._running, *self._returning}:
            await asyncio.wait(pending)

    async def cancel(self) -> None:
        """Cancel the handlers that still run, and wait for their end."""
        self._holding = True
        tasks = {*self._running, *self._returning}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        while not self._holding and self._queued and len(self._running) < self._prefetch:
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

    def _return(self, delivery: TrackedDelivery) -> None:
        task = asyncio.create_task(delivery.requeue())
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _run(self, delivery: TrackedDelivery) -> None:
        # The task may have been started on behalf of any other.
        with bound_ids(delivery.ids):
            await self._run_for(delivery)

    async def _run_for(self, delivery: TrackedDelivery) -> None:
        try:
            await self._handle(delivery)
        except Exception:
            log.exception("job=%s: handling its wake-up failed", delivery.wakeup.job_id)
            pause = min(FIRST_PAUSE * 2**delivery.returns, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await delivery.over.wait()
            if delivery.open:
                await delivery.settle(Verdict.FAILED)
        else:
            await delivery.over.wait()
            if delivery.open:
                await delivery.requeue()
