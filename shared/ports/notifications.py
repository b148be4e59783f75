"""The port to the notifications of the outcomes of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.access.tenant import Tenant
    from shared.jobs.notification import (
        Notification,
        NotificationFilter,
        WaitingNotifications,
    )


class Notifications(Protocol):
    """The outbox: a notification is stored in the transaction that records the outcome of its job.

    So none is lost. A processor that takes one to send it holds it until a time; if nothing is
    recorded until then, another takes it. So each is sent at least once, and perhaps again. Times
    are parameters, in Unix seconds. Every method raises DatabaseUnavailable when the database does
    not answer in time.
    """

    async def take(
        self, *, now: float, held_until: float, limit: int, but: Collection[Tenant] = ()
    ) -> Sequence[Notification]:
        """Return up to `limit` due notifications, the longest due first, for the caller to send.

        None of the tenants `but`. No other caller gets them before `held_until`. Of concurrent
        calls, one may get fewer than are due.
        """
        ...

    async def delivered(self, notification: Notification, *, status: int, now: float) -> None:
        """Record that the receiver has taken it, also if another holds it by now."""
        ...

    async def postpone(
        self, notification: Notification, error: str, *, status: int | None, due_at: float
    ) -> bool:
        """Record a failure: it is due again at `due_at`. Return whether the caller held it."""
        ...

    async def give_up(
        self, notification: Notification, error: str, *, status: int | None, now: float
    ) -> bool:
        """Record a failure that is the last one. Return whether the caller held it."""
        ...

    async def retry(
        self, notification_id: str, *, now: float, tenant: Tenant | None = None
    ) -> Notification:
        """Let one that was given up be sent again, at once and as often as a new one; return it.

        One in another state is returned as it is. With a `tenant`, one of another tenant does not
        exist. Raises NotificationNotFound.
        """
        ...

    async def newest(self, wanted: NotificationFilter, *, limit: int) -> Sequence[Notification]:
        """Return notifications, the newest first."""
        ...

    async def waiting(self, *, limit: int) -> WaitingNotifications:
        """Count those that wait and those that were given up, up to `limit` of each."""
        ...

    async def remove_ended(self, *, before: float, limit: int) -> int:
        """Remove up to `limit` that were delivered or given up before a time; return how many."""
        ...
