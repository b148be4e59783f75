"""Notifications of the outcomes of jobs: values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.jobs.job import JobState

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant

MAX_URLS = 5
"""The most URLs that one request, or one API key, names."""


class NotificationType(StrEnum):
    """What is sent."""

    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


TYPES = {
    JobState.SUCCESS: NotificationType.SUCCEEDED,
    JobState.FAILURE: NotificationType.FAILED,
    JobState.REVOKED: NotificationType.CANCELLED,
}
"""What is sent of a job that has ended in a state."""


class NotificationState(StrEnum):
    """What has become of a notification."""

    PENDING = "pending"
    """It waits to be sent, for the first time or again."""
    DELIVERED = "delivered"
    """Its receiver has answered with a status of 2xx."""
    FAILED = "failed"
    """It was given up."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One outcome of a job, to be sent to one URL. Times are Unix seconds."""

    id: str
    """The `webhook-id`: the same each time that it is sent."""
    job_id: UUID
    tenant: Tenant
    url: str
    type: NotificationType
    created_at: float
    """When the job ended."""
    state: NotificationState
    attempts: int
    """How often it was taken to be sent: the fencing token of who took it last."""
    failures: int
    """How often that has failed, since the outcome or since an operator's retry."""
    due_at: float
    """When it may be taken next."""
    ended_at: float | None = None
    """When it was delivered or given up."""
    status: int | None = None
    """The HTTP status of the last answer, if there was one."""
    error: str | None = None
    """What went wrong the last time."""


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications to list, newest first. None does not restrict."""

    tenant: Tenant | None = None
    state: NotificationState | None = None
    job_id: UUID | None = None
    before: tuple[float, str] | None = None
    """Those before the one at this time with this id: the last of the page before."""


@dataclass(frozen=True, slots=True)
class WaitingNotifications:
    """How many notifications wait, and were given up."""

    pending: int
    failed: int
    oldest: float | None
    """When the job of the oldest pending one ended, in Unix seconds."""
