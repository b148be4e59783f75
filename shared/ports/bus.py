"""The port to the broker of wake-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from shared.jobs.wake_up import WakeUp


class Delivery(Protocol):
    """A wake-up in a consumer's hands, to be settled exactly once.

    Settling on a connection that is gone does nothing: the broker delivers again by itself.
    """

    @property
    def wakeup(self) -> WakeUp:
        """The message."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether it came back so often that, if it did so again, it might be dead-lettered."""
        ...

    async def ack(self) -> None:
        """The wake-up has served; forget it."""
        ...

    async def requeue(self) -> None:
        """Hand the wake-up back at once, for another consumer."""
        ...

    async def dead_letter(self) -> None:
        """Put the wake-up where operators see it."""
        ...


class Bus(Protocol):
    """Wakes processors up, at least once for each wake-up published.

    Adapters: `shared.bus.rabbitmq.bus`, `shared.bus.in_process`.
    """

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """Return once the broker has taken responsibility for the wake-up.

        With `delay` (seconds) it is delivered that much later or somewhat after; a delay of
        more than an hour is cut to an hour.
        Raises BrokerUnavailable if that is not confirmed in time; it may be delivered all the
        same.
        """
        ...

    async def dead_letter(self, wakeup: WakeUp) -> None:
        """Put a wake-up where operators see it, by itself: nobody has been delivered it.

        Returns once the broker has taken responsibility for it. `Delivery.dead_letter` gives no
        such assurance: it is repeated if the broker has not heard it.
        Raises BrokerUnavailable if that is not confirmed in time; it may be there all the same.
        """
        ...

    def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int
    ) -> AbstractAsyncContextManager[None]:
        """Call `handle` for each wake-up, at most `prefetch` at a time, until the context is left.

        Survives the loss of the connection. A wake-up whose handler raises is handed back
        after a pause, and dead-lettered once it has come back too often. A delivery that its
        handler leaves unsettled keeps its place until the context is left.
        Leaving stops new deliveries and waits for no handler: those that run may settle what
        they have until the bus is closed, which cancels them. What is then not settled is
        delivered again, to somebody.
        """
        ...

    async def lost_before(self, patience: float) -> float:
        """Wake-ups that were published before that time (Unix seconds) wait nowhere any more.

        So one that has not reached a consumer is lost. While nothing waits, that time is `patience`
        seconds ago; while something does, `patience` seconds before the publication of the latest
        that consumers of this bus were delivered, as wake-ups come in the order in which they were
        published (0 if none was). Not meant are those whose delay is not over.
        Raises BrokerUnavailable.
        """
        ...

    async def ping(self) -> None:
        """Return if the broker can be used now. Raises BrokerUnavailable."""
        ...
