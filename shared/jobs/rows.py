"""How jobs stand in the rows of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.aggregation.json_codec import decode_aggregation
from shared.blobs.blob import BlobKey
from shared.jobs.job import Job, JobProgress, JobRejects, JobResult, JobState
from shared.jobs.report import decode_report, encode_report

if TYPE_CHECKING:
    from shared.database.port import Row, Value
    from shared.jobs.report import Report


def storable(text: str, limit: int | None = None) -> str:
    """Text that every database takes, of `limit` characters at most.

    PostgreSQL refuses NUL, and UTF-8 has no lone surrogates: both become backslash escapes.
    """
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def report_values(report: Report | None) -> tuple[Value, ...]:
    """The report and its rows (all, aggregated, filtered, rejected), as `jobs` has them."""
    if report is None:
        return (None,) * 5
    rows = report.rows
    return encode_report(report), rows.total, rows.aggregated, rows.filtered, rows.rejected


def rejects_values(rejects: JobRejects | None) -> tuple[Value, ...]:
    """Key, size and digest of the rejects, as `jobs` has them."""
    return (None,) * 3 if rejects is None else (rejects.key, rejects.size, rejects.sha256)


def job_of(row: Row) -> Job:
    """The job that a row of `jobs` holds. Columns of a newer schema are ignored."""
    result = None
    if row["result_key"] is not None:
        result = JobResult(
            key=BlobKey(row["result_key"]),
            size=row["result_size"],
            sha256=row["result_sha256"],
            rows_in=row["result_rows_in"],
            rows_out=row["result_rows_out"],
            rejects=_rejects_of(row),
        )
    progress = None
    if row["progress_attempt"] == row["attempt"]:
        progress = JobProgress(
            row["progress_bytes"],
            row["progress_rows"],
            row["progress_rate"],
            bool(row["progress_rows_estimated"]),
        )
    report = None
    if row["report"] is not None and row["report_attempt"] == row["attempt"]:
        report = decode_report(row["report"])
    return Job(
        id=UUID(row["id"]),
        upload_id=UUID(row["upload_id"]),
        input_key=BlobKey(row["input_key"]),
        input_size=row["input_size"],
        filename=row["filename"],
        aggregation=decode_aggregation(row["aggregation"]),
        state=JobState(row["state"]),
        attempt=row["attempt"],
        max_attempts=row["max_attempts"],
        created_at=row["created_at"],
        published_at=row["published_at"],
        lease_until=row["lease_until"],
        retry_at=row["retry_at"],
        worker=row["worker"],
        finished_at=row["finished_at"],
        reason=row["reason"],
        result=result,
        progress=progress,
        report=report,
        expired_at=row["expired_at"],
        dead_letter_due_at=row["dead_letter_due_at"],
        dead_lettered_at=row["dead_lettered_at"],
    )


def _rejects_of(row: Row) -> JobRejects | None:
    if row["rejects_key"] is None:
        return None
    return JobRejects(BlobKey(row["rejects_key"]), row["rejects_size"], row["rejects_sha256"])
