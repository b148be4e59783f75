"""The query of a list of notifications: filters, limit and cursor."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self
from uuid import UUID

from shared.errors import InvalidInput
from shared.http.list_parameters import parse_limit
from shared.jobs.notification import NotificationFilter, NotificationState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.access.tenant import Tenant
    from shared.jobs.notification import Notification

LIMIT = 50
"""The default number of notifications on a page."""
MAX_LIMIT = 500
FIELDS = ("state", "job", "limit", "cursor")

_CURSOR = re.compile(r"(0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4})~(msg_[0-9a-f]{1,40})")


@dataclass(frozen=True, slots=True)
class NotificationQuery:
    """Which notifications to list, and how many on a page."""

    filter: NotificationFilter
    limit: int

    def after(self, last: Notification) -> Self:
        """Return the query of the page after this notification."""
        return replace(self, filter=replace(self.filter, before=(last.created_at, last.id)))


def notification_query(query: Mapping[str, str], tenant: Tenant | None = None) -> NotificationQuery:
    """Read a query. `tenant` restricts it. Raises InvalidInput, which names the field."""
    if unknown := sorted(set(query) - set(FIELDS)):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; the parameters are {', '.join(FIELDS)}",
            field=unknown[0],
        )
    return NotificationQuery(
        NotificationFilter(
            tenant=tenant,
            state=_state(query.get("state")),
            job_id=_job_id(query.get("job")),
            before=_position(query.get("cursor")),
        ),
        parse_limit(query.get("limit"), default=LIMIT, most=MAX_LIMIT),
    )


def cursor_of(notification: Notification) -> str:
    """Return the cursor of the page after this one: characters that need no escape but `+`."""
    return f"{notification.created_at.hex()}~{notification.id}"


def _state(text: str | None) -> NotificationState | None:
    if text is None:
        return None
    try:
        return NotificationState(text)
    except ValueError:
        raise InvalidInput(
            f"state is {text!r}; send {', '.join(NotificationState)}", field="state"
        ) from None


def _job_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise InvalidInput(f"job is {text!r}; send the id of a job", field="job") from None


def _position(cursor: str | None) -> tuple[float, str] | None:
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    at = math.inf
    if found is not None:
        try:
            at = float.fromhex(found[1])
        except OverflowError:
            at = math.inf
    if found is None or not math.isfinite(at):
        raise InvalidInput(
            f"cursor is {cursor!r}, which is not valid; use the one of `next`, or none",
            field="cursor",
        )
    return at, found[2]
