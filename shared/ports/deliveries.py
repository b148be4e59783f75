"""The port to the deliveries: results that processors send to object storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.jobs.delivery import Delivery, DeliveryState


class Deliveries(Protocol):
    """Hands deliveries to processors.

    `JobAttempts.succeed` creates the delivery of a job that was asked for with a place for its
    result. Webhooks are told of the job once its delivery has ended. Times are parameters, in Unix
    seconds. Adapter: `shared.jobs.deliveries`, which belongs to the job store. Every method raises
    DatabaseUnavailable when the database does not answer in time, and those that get a delivery
    LeaseLost if another processor has taken it, or it has ended.
    """

    async def take(self, *, held_until: float, now: float) -> Delivery | None:
        """Take a delivery that is due, with a new token; None if there is none."""
        ...

    async def renew(self, delivery: Delivery, *, held_until: float) -> None:
        """Hold a delivery for longer."""
        ...

    async def postpone(
        self, delivery: Delivery, *, due_at: float, failures: int, reason: str | None
    ) -> None:
        """Give a delivery back until `due_at`. With None the reason stays."""
        ...

    async def end(
        self, delivery: Delivery, state: DeliveryState, reason: str | None, *, now: float
    ) -> None:
        """Record what became of a delivery, and announce the success of its job."""
        ...

    async def remove_old(self) -> None:
        """Remove the deliveries of jobs that have expired."""
        ...
