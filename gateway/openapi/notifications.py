"""`/api/v1/notifications` and `/api/v1/webhooks`, and the message that receivers get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.examples import JOB_EXAMPLE, JOB_ID
from gateway.openapi.nodes import an_object, or_null, text
from gateway.openapi.parts import (
    JSON,
    header,
    json_answer,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from shared.access.webhook_secrets import MAX_OVERLAP, OVERLAP
from shared.errors import InvalidInput, NotificationNotFound
from shared.http.notification_query import LIMIT, MAX_LIMIT
from shared.jobs.job import JobState
from shared.jobs.notification import NotificationState, NotificationType

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

TAG = "Notifications"
NOTIFICATION_ID = "msg_2b1f0c7d5e9a4c3f8a6d1e0b7c4f9d25"
_EXAMPLE: Node = {
    "id": NOTIFICATION_ID,
    "job": f"/api/v1/jobs/{JOB_ID}",
    "job_id": JOB_ID,
    "tenant": "acme",
    "url": "https://hooks.example/csvmill",
    "type": NotificationType.SUCCEEDED,
    "state": NotificationState.FAILED,
    "created_at": "2026-01-02T03:04:05.678Z",
    "attempts": 9,
    "next_attempt_at": None,
    "ended_at": "2026-01-03T11:04:05.678Z",
    "status": 503,
    "error": "HTTP 503",
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - an example that is published

_SIGNATURE = (
    "`v1,<base64>` for each secret: the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<content>`"
)

MESSAGE: Node = an_object(
    {
        "type": {"enum": list(NotificationType), "description": "What has happened to the job"},
        "timestamp": text("When it has happened", format="date-time"),
        "data": ref("Job"),
    },
    description="What a URL receives when a job ends (Standard Webhooks).",
)
SCHEMAS: Node = {"Message": MESSAGE}

LIST = operation(
    "listNotifications",
    "List the notifications of the outcomes of jobs",
    tag=TAG,
    description="The newest first. With `state=failed`, those that were given up. An operator's "
    "key shows those of all tenants, others those of their own tenant.",
    parameters=[
        parameter(
            "state", "query", "Only those in this state", {"enum": list(NotificationState)},
            example=NotificationState.FAILED,
        ),
        parameter("job", "query", "Only those of this job", text("An id", format="uuid")),
        parameter(
            "limit", "query", "The most notifications on a page",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
        ),
        parameter("cursor", "query", "The page: from `next`", text("A cursor")),
    ],
    answers={
        **json_answer(
            200,
            "A page",
            ref("NotificationList"),
            example={"notifications": [_EXAMPLE], "next": None},
        ),
        **problems(InvalidInput),
    },
)  # fmt: skip

RETRY = operation(
    "retryNotification",
    "Send a notification again that was given up",
    tag=TAG,
    description="At once, and as often as a new one. One in another state stays as it is.",
    parameters=[
        parameter(
            "notification_id", "path", "The id of a notification", {"type": "string"},
            example=NOTIFICATION_ID,
        )
    ],
    answers={
        **json_answer(
            200,
            "The notification",
            ref("Notification"),
            example={
                **_EXAMPLE,
                "state": NotificationState.PENDING,
                "next_attempt_at": "2026-01-04T03:04:05.678Z",
                "ended_at": None,
            },
        ),
        **problems(NotificationNotFound),
    },
)  # fmt: skip

SHOW_SECRET = operation(
    "showWebhookSecret",
    "Show since when notifications are signed with a secret",
    tag=TAG,
    description="The secret itself is shown only when it is created.",
    answers={
        **json_answer(
            200,
            "What is known of the secret of the caller's tenant",
            ref("WebhookSecret"),
            example={"created_at": "2026-01-02T03:04:05.678Z", "previous_until": None},
        ),
        **problems(),
    },
)

CREATE_SECRET = operation(
    "createWebhookSecret",
    "Sign notifications with a new secret",
    tag=TAG,
    description="The answer is the only one that shows the secret. The secret before signs too for "
    "`overlap` seconds, so that receivers can be given the new one in the meantime; one before "
    "that does not sign any more.",
    body={
        "required": False,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "overlap": or_null(
                            {
                                "type": "integer",
                                "minimum": 0,
                                "maximum": int(MAX_OVERLAP),
                                "description": "Seconds for which the secret before signs too; "
                                f"{OVERLAP:.0f} by default",
                            }
                        )
                    },
                },
                "example": {"overlap": 3600},
            }
        },
    },
    answers={
        **json_answer(
            200,
            "The secret",
            ref("NewWebhookSecret"),
            example={
                "secret": _SECRET,
                "created_at": "2026-01-02T03:04:05.678Z",
                "previous_until": "2026-01-02T04:04:05.678Z",
            },
        ),
        **problems(InvalidInput),
    },
)

PATHS: Node = {
    "/api/v1/notifications": reading(LIST),
    "/api/v1/notifications/{notification_id}/retry": {"post": RETRY},
    "/api/v1/webhooks/secret": {**reading(SHOW_SECRET), "post": CREATE_SECRET},
}

WEBHOOKS: Node = {
    "jobEnded": {
        "post": {
            "operationId": "jobEnded",
            "tags": [TAG],
            "summary": "A job has ended",
            "description": "Sent to each URL in `notify` of the upload or job, and to those of the "
            "API key that created it. Sent again until the answer is 2xx: with the same "
            "`webhook-id`, by which a receiver knows a message that it has taken before.",
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": description,
                    "schema": {"type": "string"},
                }
                for name, description in (
                    ("webhook-id", "The id of the message, the same each time that it is sent"),
                    ("webhook-timestamp", "When it was sent, in Unix seconds"),
                    ("webhook-signature", _SIGNATURE),
                )
            ],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {
                        "schema": ref("Message"),
                        "example": {
                            "type": NotificationType.FAILED,
                            "timestamp": "2026-01-02T03:04:11.190Z",
                            "data": {
                                **JOB_EXAMPLE,
                                "state": JobState.FAILURE,
                                "finished_at": "2026-01-02T03:04:11.190Z",
                            },
                        },
                    }
                },
            },
            "responses": {
                "2XX": {"description": "The message is taken, and not sent again"},
                "410": {"description": "The message is given up at once"},
                "default": {
                    "description": "The message is sent again later",
                    "headers": {
                        "Retry-After": header(
                            "Seconds for which it is not sent again", {"type": "integer"}
                        )
                    },
                },
            },
        }
    }
}
"""What this service sends (OpenAPI 3.1, `webhooks`)."""
