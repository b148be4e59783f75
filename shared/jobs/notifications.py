"""The table of notifications: the outbox of the outcomes of jobs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.notify_column import notify_of
from shared.access.tenant import Tenant
from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.errors import NotificationNotFound
from shared.jobs.notification import (
    TYPES,
    Notification,
    NotificationState,
    NotificationType,
    WaitingNotifications,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.database.port import Database, Row, Steps
    from shared.jobs.job import JobState
    from shared.jobs.notification import NotificationFilter

ID_PREFIX = "msg_"
ERROR_LIMIT = 500
"""The most characters of an error."""


@dataclass(frozen=True, slots=True)
class NotificationQueries:
    """The statements of `notifications.sql`. A missing or unknown one fails at the start."""

    insert_notification: str
    any_due: str
    take: str
    delivered: str
    postpone: str
    give_up: str
    retry: str
    by_id: str
    newest: str
    waiting: str
    remove_ended: str

    @classmethod
    @cache
    def load(cls) -> NotificationQueries:
        """Read the file. Raises TypeError if a statement is missing or unknown."""
        return cls(**load_queries("notifications.sql"))


def announce(job: Row, state: JobState, now: float) -> Steps[None]:
    """Store a notification for each URL of a job that ends in a state, in the same transaction.

    `job` is a row with `id`, `tenant` and `notify`.
    """
    for url in notify_of(job["notify"]):
        yield Statement(
            NotificationQueries.load().insert_notification,
            (f"{ID_PREFIX}{uuid4().hex}", job["id"], job["tenant"], url, str(TYPES[state]), now),
        )


class SqlNotifications:
    """`Notifications` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = NotificationQueries.load()

    async def take(
        self, *, now: float, held_until: float, limit: int, but: Collection[Tenant] = ()
    ) -> Sequence[Notification]:
        """See `Notifications`."""
        # Mostly none is due: a read then disturbs no writer.
        if not await self._database.read(self._sql.any_due, now):
            return ()
        rows = await self._database.write(
            self._sql.take, now, held_until, limit, f" {' '.join(but)} ", durable=False
        )
        taken = map(_notification_of, rows)
        return sorted(taken, key=lambda each: (each.created_at, each.id))

    async def delivered(self, notification: Notification, *, status: int, now: float) -> None:
        """See `Notifications`."""
        await self._database.write(
            self._sql.delivered, notification.id, now, status, idempotent=True, durable=False
        )

    async def postpone(
        self, notification: Notification, error: str, *, status: int | None, due_at: float
    ) -> bool:
        """See `Notifications`."""
        return bool(await self._failed(self._sql.postpone, notification, error, status, due_at))

    async def give_up(
        self, notification: Notification, error: str, *, status: int | None, now: float
    ) -> bool:
        """See `Notifications`."""
        return bool(await self._failed(self._sql.give_up, notification, error, status, now))

    async def retry(
        self, notification_id: str, *, now: float, tenant: Tenant | None = None
    ) -> Notification:
        """See `Notifications`."""
        who, known_id = acting(), storable(notification_id)

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.retry, (known_id, now, tenant))
            if not rows:
                return (yield Statement(self._sql.by_id, (known_id, tenant)))
            if who is not None:
                yield audit_statement(who.entry(Action.NOTIFICATION_RETRIED, notification_id, now))
            return rows

        rows = await self._database.perform(steps())
        if not rows:
            raise NotificationNotFound(f"there is no notification {notification_id!r}")
        return _notification_of(rows[0])

    async def newest(self, wanted: NotificationFilter, *, limit: int) -> Sequence[Notification]:
        """See `Notifications`."""
        rows = await self._database.read(
            self._sql.newest,
            wanted.tenant,
            wanted.state,
            None if wanted.job_id is None else str(wanted.job_id),
            *(wanted.before or (math.inf, "")),
            limit,
        )
        return [_notification_of(row) for row in rows]

    async def waiting(self, *, limit: int) -> WaitingNotifications:
        """See `Notifications`."""
        (row,) = await self._database.read(self._sql.waiting, limit)
        return WaitingNotifications(row["pending"], row["failed"], row["oldest"])

    async def remove_ended(self, *, before: float, limit: int) -> int:
        """See `Notifications`."""
        return len(await self._database.write(self._sql.remove_ended, before, limit))

    async def _failed(
        self, sql: str, notification: Notification, error: str, status: int | None, at: float
    ) -> Sequence[Row]:
        return await self._database.write(
            sql,
            notification.id,
            notification.attempts,
            at,
            status,
            storable(error, ERROR_LIMIT),
        )


def _notification_of(row: Row) -> Notification:
    return Notification(
        id=row["id"],
        job_id=UUID(row["job_id"]),
        tenant=Tenant(row["tenant"]),
        url=row["url"],
        type=NotificationType(row["type"]),
        created_at=row["created_at"],
        state=NotificationState(row["state"]),
        attempts=row["attempts"],
        failures=row["failures"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        status=row["status"],
        error=row["error"],
    )
