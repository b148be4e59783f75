"""The port to the message broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from shared.jobs.wake_up import WakeUp


class Delivery(Protocol):
    """A wake-up that was delivered to a consumer, which must settle it exactly once.

    Settling on a lost connection does nothing: the broker redelivers the wake-up.
    """

    @property
    def wakeup(self) -> WakeUp:
        """The message."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether it was redelivered so often that the broker may dead-letter it if requeued."""
        ...

    async def ack(self) -> None:
        """Remove the wake-up from the queue."""
        ...

    async def requeue(self) -> None:
        """Return the wake-up to the queue, for immediate redelivery."""
        ...

    async def dead_letter(self) -> None:
        """Move the wake-up to the dead-letter queue."""
        ...


class Bus(Protocol):
    """Delivers wake-ups to processors, each at least once.

    Adapters: `shared.bus.rabbitmq.bus`, `shared.bus.in_process`.
    """

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """Publish a wake-up, and return when the broker has confirmed it.

        With `delay`, it is delivered that many seconds later or somewhat after; at most an hour
        later. Raises BrokerUnavailable without a confirmation in time; the wake-up may still be
        delivered then.
        """
        ...

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """Publish a wake-up to the dead-letter queue, and return when the broker has confirmed it.

        `Delivery.dead_letter` is not confirmed: if it gets lost, the wake-up is redelivered.
        Raises BrokerUnavailable without a confirmation in time; the wake-up may still be there.
        """
        ...

    def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int, small: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """Call `handle` for each wake-up, at most `prefetch` at a time, until the context is left.

        Either for those of small jobs or for all others: so neither waits behind the other. After a
        delay, the wake-up of a small job is delivered among the others.
        Reconnects when the connection is lost. A wake-up whose handler raises is requeued after a
        pause, and dead-lettered when it was redelivered too often. A delivery that its handler
        leaves unsettled occupies a slot until the context is left.
        Leaving stops new deliveries and does not wait for handlers: they may settle their
        deliveries until the bus is closed, which cancels them. Unsettled ones are redelivered.
        """
        ...

    async def lost_before(self, lost_after: float) -> float:
        """Return the time (Unix seconds) such that no wake-up published earlier is queued.

        One that was published earlier and not delivered is lost. If the queue is empty, that is
        `lost_after` seconds ago. Otherwise it is `lost_after` seconds before the publication of the
        latest wake-up delivered to consumers of this bus, as wake-ups are delivered in the order
        of publication (0 before the first delivery). Of the two queues, that of small jobs and that
        of the others, the earlier time counts. Wake-ups with a delay that is not over are not
        considered. Raises BrokerUnavailable.
        """
        ...

    async def ping(self) -> None:
        """Return if the broker is available. Raises BrokerUnavailable."""
        ...
