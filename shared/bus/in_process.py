"""The bus within one process, for the standalone service.

Wake-ups are lost when the process ends. That loses no job: the relay publishes a wake-up for every
job that the table shows to be waiting.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from shared.bus.dispatch import Dispatcher, Disposition, TrackedDelivery
from shared.bus.topology import DEAD_LETTERS_KEPT, DELIVERY_LIMIT, LONGEST_DELAY
from shared.errors import BrokerUnavailable
from shared.telemetry.ids import current_ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Delivery
    from shared.telemetry.ids import Ids

log = logging.getLogger(__name__)


class InProcessBus:
    """The `Bus` (see `shared.ports`) of one event loop. Use as an async context manager."""

    def __init__(self) -> None:
        self._queues = {False: _Queue(), True: _Queue()}
        """The wake-ups of small jobs (True) and those of all others."""
        self._dead: deque[WakeUp] = deque(maxlen=DEAD_LETTERS_KEPT)
        self._timers: set[asyncio.TimerHandle] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._dispatchers: set[Dispatcher] = set()
        self._closed = False
        self._started_at = time.time()

    async def close(self) -> None:
        """Drop all wake-ups and cancel the running handlers."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for queue in self._queues.values():
            queue.waiting.clear()
        for dispatcher in tuple(self._dispatchers):
            await dispatcher.cancel()
        await asyncio.gather(*self._stopping, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def dead_letters(self) -> Sequence[WakeUp]:
        """The wake-ups that were dead-lettered, oldest first."""
        return tuple(self._dead)

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """See `Bus`."""
        await self.ping()
        ids = replace(current_ids(), job_id=wakeup.job_id, attempt=None)
        waiting = _Waiting(wakeup, 0, ids, time.time())
        if delay <= 0:
            self._enqueue(waiting, self._queues[wakeup.small])
            return

        def due() -> None:
            self._timers.discard(timer)
            self._enqueue(waiting, self._queues[False])

        timer = asyncio.get_running_loop().call_later(min(delay, LONGEST_DELAY), due)
        self._timers.add(timer)

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """See `Bus`."""
        await self.ping()
        self._dead.append(wakeup)

    @asynccontextmanager
    async def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int, small: bool = False
    ) -> AsyncIterator[None]:
        """See `Bus`."""
        queue = self._queues[small]
        dispatcher = Dispatcher(handle, prefetch=prefetch, on_free=lambda: self._feed(queue))
        self._dispatchers.add(dispatcher)
        queue.consumers.append(dispatcher)
        self._feed(queue)
        try:
            yield
        finally:
            queue.consumers.remove(dispatcher)
            dispatcher.stop()
            task = asyncio.create_task(self._forget_when_finished(dispatcher))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def lost_before(self, lost_after: float) -> float:
        """See `Bus`. The wake-ups of an earlier process are lost."""
        await self.ping()
        now = time.time()
        latest = [
            queue.latest_delivered if queue.waiting else now for queue in self._queues.values()
        ]
        return max(min(latest) - lost_after, self._started_at)

    async def ping(self) -> None:
        """See `Bus`."""
        if self._closed:
            raise BrokerUnavailable("the bus is closed")

    async def _forget_when_finished(self, dispatcher: Dispatcher) -> None:
        await dispatcher.finished()
        self._dispatchers.discard(dispatcher)

    def _enqueue(self, waiting: _Waiting, queue: _Queue) -> None:
        queue.waiting.append(waiting)
        self._feed(queue)

    def _settled(self, waiting: _Waiting, queue: _Queue, disposition: Disposition) -> None:
        failed = disposition is Disposition.FAILED
        exhausted = failed and waiting.redeliveries >= DELIVERY_LIMIT
        if exhausted or disposition is Disposition.DEAD_LETTER:
            log.warning("job=%s: wake-up dead-lettered", waiting.wakeup.job_id)
            self._dead.append(waiting.wakeup)
        elif failed:
            self._enqueue(replace(waiting, redeliveries=waiting.redeliveries + 1), queue)
        elif disposition is Disposition.REQUEUE:
            self._enqueue(waiting, queue)

    def _feed(self, queue: _Queue) -> None:
        consumers = queue.consumers
        while queue.waiting and not self._closed:
            for _ in range(len(consumers)):
                consumers.rotate(-1)
                if consumers[0].free:
                    break
            else:
                return
            waiting = queue.waiting.popleft()
            queue.latest_delivered = max(queue.latest_delivered, waiting.published)
            settled = partial(self._settled, waiting, queue)
            consumers[0].submit(_Delivery(waiting, settled=settled))


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Waiting] = field(default_factory=deque)
    consumers: deque[Dispatcher] = field(default_factory=deque)
    latest_delivered: float = 0.0
    """When the latest delivered wake-up was published, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    wakeup: WakeUp
    redeliveries: int
    ids: Ids
    """The ids of its publisher."""
    published: float
    """Unix seconds."""


class _Delivery(TrackedDelivery):
    def __init__(
        self,
        waiting: _Waiting,
        *,
        settled: Callable[[Disposition], None],
    ) -> None:
        super().__init__(waiting.wakeup, redeliveries=waiting.redeliveries, ids=waiting.ids)
        self._settled = settled

    async def _send(self, disposition: Disposition) -> None:
        self._settled(disposition)
