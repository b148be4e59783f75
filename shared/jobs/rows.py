"""Reads jobs and attempts from rows: only columns that differ from the field need code here."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from shared.access.notify_column import notify_of
from shared.aggregation.json_codec import decode_aggregation
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import (
    Attempt,
    AttemptOutcome,
    Job,
    JobProgress,
    JobRejects,
    JobResult,
    JobState,
)
from shared.jobs.job_input import JobInput, decode_inputs
from shared.jobs.report import decode_report, encode_report

if TYPE_CHECKING:
    from shared.aggregation.spec import Aggregation
    from shared.database.port import Row, Value
    from shared.jobs.report import Report

T = TypeVar("T")


def result_values(result: JobResult) -> tuple[Value, ...]:
    """Return the values of the `result_` columns."""
    return result.key, result.size, result.sha256, result.rows_in, result.rows_out


def rejects_values(rejects: JobRejects | None) -> tuple[Value, ...]:
    """Return the values of the `rejects_` columns."""
    return (None,) * 3 if rejects is None else (rejects.key, rejects.size, rejects.sha256)


def progress_values(progress: JobProgress) -> tuple[Value, ...]:
    """Return the values of the `progress_` columns."""
    return progress.bytes_done, progress.rows_done, progress.rate, int(progress.rows_estimated)


def report_values(report: Report | None) -> tuple[Value, ...]:
    """Return the report as text, and its rows: total, aggregated, filtered, rejected."""
    if report is None:
        return (None,) * 5
    rows = report.rows
    return encode_report(report), rows.total, rows.aggregated, rows.filtered, rows.rejected


def job_of(row: Row) -> Job:
    """Return the job in a row of `jobs`. Columns of a newer schema are ignored."""
    return _read(
        Job,
        row,
        id=UUID(row["id"]),
        upload_id=None if row["upload_id"] == row["id"] else UUID(row["upload_id"]),
        inputs=_inputs_of(row),
        aggregation=_aggregation_of(row["aggregation"]),
        state=JobState(row["state"]),
        small=bool(row["small"]),
        cache=not row["uncached"],
        cached_from=None if row["cached_from"] is None else UUID(row["cached_from"]),
        result=_result_of(row),
        progress=_progress_of(row),
        report=_report_of(row),
        notify=notify_of(row["notify"]),
        engine=EngineChoice(row["engine"]),
    )


@lru_cache(maxsize=64)
def _aggregation_of(text: str) -> Aggregation:
    # The row of a small job is read six times, and many jobs have the same aggregation.
    return decode_aggregation(text)


def _inputs_of(row: Row) -> tuple[JobInput, ...]:
    if row["inputs"] is not None:
        return decode_inputs(row["inputs"])
    return (
        JobInput(
            UUID(row["upload_id"]),
            row["input_key"],
            row["filename"],
            row["input_size"],
            row["input_version"],
            row["input_sha256"],
        ),
    )


def attempt_of(row: Row) -> Attempt:
    """Return the attempt in a row of `attempts`."""
    outcome = row["outcome"]
    return _read(
        Attempt,
        row,
        job_id=UUID(row["job_id"]),
        outcome=None if outcome is None else AttemptOutcome(outcome),
    )


def _result_of(row: Row) -> JobResult | None:
    if row["result_key"] is None:
        return None
    rejects = None if row["rejects_key"] is None else _read(JobRejects, row, "rejects_")
    return _read(JobResult, row, "result_", rejects=rejects)


def _progress_of(row: Row) -> JobProgress | None:
    if row["progress_attempt"] != row["attempt"]:
        return None
    return JobProgress(
        row["progress_bytes"],
        row["progress_rows"],
        row["progress_rate"],
        bool(row["progress_rows_estimated"]),
    )


def _report_of(row: Row) -> Report | None:
    if row["report"] is None or row["report_attempt"] != row["attempt"]:
        return None
    return _decoded_report(row["report"])


@lru_cache(maxsize=64)
def _decoded_report(text: str) -> Report:
    # A job that has ended is read for its waiting client, and again to send its result.
    return decode_report(text)


def _read(kind: type[T], row: Row, prefix: str = "", **converted: Any) -> T:
    """Return a dataclass whose fields are columns, except those that are given as `converted`."""
    names = _names(kind)  # type: ignore[arg-type]
    found = {name: row[prefix + name] for name in names if name not in converted}
    return kind(**found, **converted)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
