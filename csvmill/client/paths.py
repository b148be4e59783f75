"""The URL paths of the server's API."""

from __future__ import annotations

from urllib.parse import quote

HEALTH = "/healthz"
READY = "/readyz"
UPLOADS = "/api/v1/uploads"
KEYS = "/api/v1/keys"
AUDIT = "/api/v1/audit"
JOBS = "/api/v1/jobs"
NOTIFICATIONS = "/api/v1/notifications"
TENANTS = "/api/v1/tenants"
WEBHOOK_SECRET = "/api/v1/webhooks/secret"  # noqa: S105 - a path
SPECS = "/api/v1/specs"


def upload_path(upload: str) -> str:
    """Return the path of an upload, given its id, its key or its dzuuid."""
    return f"{UPLOADS}/{quote(upload, safe='')}"


def inspect_path(upload: str) -> str:
    """Return the path of the inspection of an upload."""
    return f"{upload_path(upload)}/inspect"


def keep_path(upload: str) -> str:
    """Return the path of how long an upload is kept."""
    return f"{upload_path(upload)}/keep"


def chunk_path(upload: str, offset: int) -> str:
    """Return the path of a chunk of an upload."""
    return f"{upload_path(upload)}/chunks/{offset}"


def job_path(job_id: str) -> str:
    """Return the path of a job."""
    return f"{JOBS}/{quote(job_id, safe='')}"


def key_path(key_id: str) -> str:
    """Return the path of an API key."""
    return f"{KEYS}/{quote(key_id, safe='')}"


def tenant_path(tenant: str) -> str:
    """Return the path of what is set for a tenant."""
    return f"{TENANTS}/{quote(tenant, safe='')}"


def retry_notification_path(notification_id: str) -> str:
    """Return the path that sends a notification again."""
    return f"{NOTIFICATIONS}/{quote(notification_id, safe='')}/retry"


def spec_path(name: str) -> str:
    """Return the path of a saved spec."""
    return f"{SPECS}/{quote(name, safe='')}"


def retry_path(job_id: str) -> str:
    """Return the path to retry a job."""
    return f"{job_path(job_id)}/retry"


def links_path(job_id: str) -> str:
    """Return the path to create links to the outputs of a job."""
    return f"{job_path(job_id)}/links"


def events_path(job_id: str) -> str:
    """Return the path of the event stream of a job."""
    return f"{job_path(job_id)}/events"


def rejects_path(job_id: str) -> str:
    """Return the path of the rejected records of a job."""
    return f"{job_path(job_id)}/rejects"


def result_path(job_id: str) -> str:
    """Return the path of the result of a job."""
    return f"{job_path(job_id)}/result"
