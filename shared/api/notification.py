"""Notifications of the outcomes of jobs, and the secret with which they are signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

from shared.api.described import WithJsonSchema
from shared.api.view import Count, Id, Path, Time, View, rfc3339
from shared.jobs.notification import NotificationState, NotificationType

if TYPE_CHECKING:
    from shared.access.webhook_secrets import WebhookSecret
    from shared.jobs.notification import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView(View):
    """One outcome of a job that is sent to one URL."""

    id: str
    """The `webhook-id`, the same each time that it is sent."""
    job: Path
    """The path of the job."""
    job_id: Id
    """The id of the job."""
    tenant: str
    """The tenant of the job."""
    url: str
    """Where it is sent."""
    type: Annotated[str, WithJsonSchema({"enum": [*map(str, NotificationType)]})]
    """What it tells."""
    state: Annotated[str, WithJsonSchema({"enum": [*map(str, NotificationState)]})]
    """`pending` until the receiver has taken it, or it was given up."""
    created_at: Time
    """When the job ended."""
    attempts: Count
    """How often it was sent."""
    next_attempt_at: Time | None
    """When it is sent next; null if it is not sent any more."""
    ended_at: Time | None
    """When it was delivered or given up."""
    status: int | None
    """The HTTP status of the last answer; null without one."""
    error: str | None
    """What went wrong the last time."""

    @classmethod
    def of_notification(cls, notification: Notification) -> Self:
        """Return the view of a notification."""
        pending = notification.state is NotificationState.PENDING
        return cls.from_value(
            notification,
            job=f"/api/v1/jobs/{notification.job_id}",
            job_id=str(notification.job_id),
            type=str(notification.type),
            state=str(notification.state),
            created_at=rfc3339(notification.created_at),
            next_attempt_at=rfc3339(notification.due_at) if pending else None,
            ended_at=rfc3339(notification.ended_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationListView(View):
    """Notifications, the newest first."""

    notifications: tuple[NotificationView, ...]
    """The notifications of this page."""
    next: Path | None
    """The path of the next page; null on the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretView(View):
    """What is known of the secret with which notifications are signed."""

    created_at: Time | None
    """When it was created; null if there is none."""
    previous_until: Time | None
    """Until when the secret before signs too; null if it does not."""

    @classmethod
    def of_secret(cls, secret: WebhookSecret | None, now: float) -> Self:
        """Return the view of a secret at a time, in Unix seconds."""
        if secret is None:
            return cls(created_at=None, previous_until=None)
        return cls(
            created_at=rfc3339(secret.created_at),
            previous_until=rfc3339(secret.previous_until) if len(secret.valid(now)) > 1 else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhookSecretView(View):
    """A secret that was just created."""

    secret: str
    """The secret, `whsec_` and Base64. It is shown only here."""
    created_at: Time
    """When it was created."""
    previous_until: Time | None
    """Until when the secret before signs too; null if it does not."""

    @classmethod
    def of_new(cls, secret: WebhookSecret, now: float) -> Self:
        """Return the view of a new secret, with the secret."""
        shown = WebhookSecretView.of_secret(secret, now)
        return cls(
            secret=secret.secret,
            created_at=rfc3339(secret.created_at),
            previous_until=shown.previous_until,
        )
