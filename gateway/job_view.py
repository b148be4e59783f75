"""A job as `/api/v1` shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.progress_view import progress_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.jobs import Attempt, Job, JobResult


def job_view(job: Job, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """The JSON of a job. Every key is always there; what does not apply is null."""
    return {
        "id": str(job.id),
        "state": job.state.value,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "created_at": rfc3339(job.created_at),
        "published_at": rfc3339(job.published_at),
        "finished_at": rfc3339(job.finished_at),
        "reason": job.reason,
        "filename": job.filename,
        "input_size": job.input_size,
        "progress": progress_view(job),
        "result": _result_view(job.result),
        "attempts": [_attempt_view(attempt) for attempt in attempts],
    }


def rfc3339(time: float | None) -> str | None:
    """Unix seconds as a date-time in UTC, to the millisecond (RFC 3339, 5.6)."""
    if time is None:
        return None
    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _result_view(result: JobResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "size": result.size,
        "sha256": result.sha256,
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
    }


def _attempt_view(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "worker": attempt.worker,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": rfc3339(attempt.ended_at),
        "outcome": attempt.outcome,
        "reason": attempt.reason,
    }
