"""Converts uploads to the JSON of `/api/v1`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from gateway.http.public_url import public_path
from shared.api.upload import MAX_RANGES, HeadStartView, UploadView

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from gateway.uploads.upload import Upload
    from shared.blobs.byte_ranges import ByteRange
    from shared.jobs.head_start import HeadStart
    from shared.jobs.job import Job


def upload_path(upload: Upload) -> str:
    """Return the path of an upload."""
    return path_of(upload.id)


def path_of(upload_id: UUID) -> str:
    """Return the path of the upload with this id."""
    return public_path(f"/api/v1/uploads/{upload_id}")


def job_path(job: Job) -> str:
    """Return the path of a job."""
    return public_path(f"/api/v1/jobs/{job.id}")


def upload_view(upload: Upload) -> UploadView:
    """Return an upload as the API shows it."""
    blob = upload.blob
    # While the size is unknown, the missing ranges are those before the last byte received.
    end = max((held.stop for held in blob.received), default=0) if blob.size is None else blob.size
    return UploadView(
        id=str(upload.id),
        name=upload.filename,
        size=blob.size,
        sha256=blob.sha256,
        complete=blob.complete,
        received_bytes=len(blob.received),
        received=_pairs(blob.received),
        missing=_pairs(blob.received.missing(0, end)),
        job=job_path(upload.job) if upload.job else None,
        head_start=None if upload.head_start is None else _head_start_view(upload.head_start),
    )


def _head_start_view(head_start: HeadStart) -> HeadStartView | None:
    progress = head_start.progress
    if progress is None:
        return None
    return HeadStartView(
        aggregated_bytes=progress.bytes_done,
        rows=progress.rows_done,
        rows_estimated=progress.rows_estimated,
        rows_rejected=progress.rows_rejected,
        first_problem=progress.first_problem,
        ended=head_start.reason,
    )


def _pairs(ranges: Iterable[ByteRange]) -> tuple[tuple[int, int], ...]:
    return tuple((held.start, held.stop) for held in islice(ranges, MAX_RANGES))
