"""An upload as `/api/v1` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.uploads.upload import Upload
    from shared.blobs.byte_ranges import ByteRange
    from shared.jobs.job import Job

MAX_RANGES = 1000
"""Ranges shown of each kind at the most: those nearest to the beginning."""


def upload_path(upload: Upload) -> str:
    """Where an upload is shown, and its chunks are put below."""
    return f"/api/v1/uploads/{upload.id}"


def job_path(job: Job) -> str:
    """Where a job is shown."""
    return f"/api/v1/jobs/{job.id}"


def upload_view(upload: Upload) -> dict[str, Any]:
    """The JSON of an upload. Every key is always there; what does not apply is null."""
    blob = upload.blob
    # Of a file whose size is not known yet, what is missing is known up to the last byte received.
    end = max((held.stop for held in blob.received), default=0) if blob.size is None else blob.size
    return {
        "id": str(upload.id),
        "name": upload.filename,
        "size": blob.size,
        "sha256": blob.sha256,
        "complete": blob.complete,
        "received_bytes": len(blob.received),
        "received": _pairs(blob.received),
        "missing": _pairs(blob.received.missing(0, end)),
        "job": job_path(upload.job) if upload.job else None,
    }


def _pairs(ranges: Iterable[ByteRange]) -> list[list[int]]:
    return [[held.start, held.stop] for held in ranges][:MAX_RANGES]
