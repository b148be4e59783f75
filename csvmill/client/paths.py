"""Every URL that the client asks."""

from __future__ import annotations

from urllib.parse import quote

HEALTH = "/healthz"
READY = "/readyz"
UPLOADS = "/api/v1/uploads"
JOBS = "/api/v1/jobs"


def upload_path(upload: str) -> str:
    """An upload, by its id, its key or its dzuuid."""
    return f"{UPLOADS}/{quote(upload, safe='')}"


def inspect_path(upload: str) -> str:
    """What is understood of an upload."""
    return f"{upload_path(upload)}/inspect"


def chunk_path(upload: str, offset: int) -> str:
    """The bytes of an upload from an offset on."""
    return f"{upload_path(upload)}/chunks/{offset}"


def job_path(job_id: str) -> str:
    """A job."""
    return f"{JOBS}/{quote(job_id, safe='')}"


def retry_path(job_id: str) -> str:
    """Where a job that failed is put back."""
    return f"{job_path(job_id)}/retry"


def events_path(job_id: str) -> str:
    """What a job is followed by."""
    return f"{job_path(job_id)}/events"


def rejects_path(job_id: str) -> str:
    """The records that a job left out."""
    return f"{job_path(job_id)}/rejects"


def result_path(job_id: str) -> str:
    """The result of a job."""
    return f"{job_path(job_id)}/result"
