"""The message that a URL receives, and its header fields (Standard Webhooks 1.0)."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from shared.access.webhook_secrets import signatures
from shared.api.job_view import job_view
from shared.api.view import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.jobs.job import Attempt, Job
    from shared.jobs.notification import Notification


def content_of(notification: Notification, job: Job, attempts: Sequence[Attempt]) -> bytes:
    """Return the body: what has happened, when, and the job as the API shows it now."""
    message = {
        "type": str(notification.type),
        "timestamp": rfc3339(notification.created_at),
        "data": job_view(job, attempts).as_json(),
    }
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace")


def fields_of(
    notification: Notification, content: bytes, secrets: tuple[str, ...], now: float
) -> dict[str, str]:
    """Return the header of a message that is sent at `now`, signed with each of the secrets."""
    timestamp = int(now)
    return {
        "Content-Type": "application/json",
        "User-Agent": _user_agent(),
        "webhook-id": notification.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(secrets, notification.id, timestamp, content),
    }


@cache
def _user_agent() -> str:
    return f"csvmill/{version('csvmill')}"
