"""A job as `/api/v1` shows it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.jobs.progress import progress_view
from shared.aggregation.json_codec import aggregation_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.problems import Problem
    from shared.jobs.job import Attempt, Job, JobResult
    from shared.jobs.report import Report


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
        "aggregation": aggregation_json(job.aggregation),
        "progress": progress_view(job),
        "result": _result_view(job.result, job.rows_in),
        "report": _report_view(job.report),
        "problems": [_problem_view(problem) for problem in job.report.problems]
        if job.report
        else [],
        "problem_count": job.report.problem_count
        if job.report and not job.report.unfinished
        else None,
        "attempts": [_attempt_view(attempt) for attempt in attempts],
    }


def rfc3339(time: float | None) -> str | None:
    """Unix seconds as a date-time in UTC, to the millisecond (RFC 3339, 5.6)."""
    if time is None:
        return None
    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _result_view(result: JobResult | None, rows_in: int | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "size": result.size,
        "sha256": result.sha256,
        "rows_in": rows_in,
        "rows_out": result.rows_out,
    }


def _report_view(report: Report | None) -> dict[str, Any] | None:
    if report is None:
        return None
    of_whole = _of_whole(report)
    return {
        "dialect": asdict(report.dialect) if report.dialect else None,
        "engine": report.engine,
        "engine_version": report.engine_version,
        "plan": report.plan,
        **{name: None if report.unfinished else value for name, value in of_whole.items()},
        "bytes_in": report.bytes_in,
        "seconds": {name: round(took, 3) for name, took in asdict(report.seconds).items()},
        "peak_memory": report.peak_memory,
        "peak_scratch": report.peak_scratch,
        "attempts": report.attempts,
    }


def _of_whole(report: Report) -> dict[str, int | None]:
    """What can be told of a file only that was read to its end."""
    return {
        "rows_in": report.rows.total,
        "rows_aggregated": report.rows.aggregated,
        "rows_filtered": report.rows.filtered,
        "rows_rejected": report.rows.rejected,
        "rows_of_several_lines": report.rows_of_several_lines,
        "most_lines": report.most_lines,
        "groups": report.groups,
        "bytes_decompressed": report.bytes_decompressed,
        "bytes_out": report.bytes_out,
    }


def _problem_view(problem: Problem) -> dict[str, Any]:
    return {
        "line": problem.line,
        "offset": problem.offset,
        "column": problem.column,
        "name": problem.name,
        "found": problem.found,
        "expected": problem.expected,
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
