"""Shows a job as `/api/v1` does: only fields that differ from the value's need code here."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from yarl import URL

from shared.aggregation.json_codec import aggregation_json
from shared.api.job import (
    FIRST_ATTEMPTS,
    LAST_ATTEMPTS,
    AttemptView,
    JobInputView,
    JobResultView,
    JobView,
    OutputToView,
)
from shared.api.job_progress import progress_view
from shared.api.problem import ProblemView
from shared.api.report import InputReportView, ReportView, WarningView
from shared.api.view import rfc3339
from shared.csv.dialect import ASSUMPTIONS, Dialect
from shared.jobs.delivery import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from shared.jobs.job import Attempt, Job
    from shared.jobs.job_input import JobInput
    from shared.jobs.report import InputReport, Report
    from shared.ports import JobReader


async def shown_attempts(store: JobReader, jobs: Sequence[Job]) -> Mapping[UUID, Sequence[Attempt]]:
    """Return the attempts of jobs that their views show, by job id.

    Call it after the jobs have been read, so that all attempts that they count exist.
    """
    ids = [job.id for job in jobs]
    return await store.attempts_of_many(ids, first=FIRST_ATTEMPTS, last=LAST_ATTEMPTS)


_OF_DIALECT = tuple(field.name for field in fields(Dialect) if field.name not in ASSUMPTIONS)


def job_view(job: Job, attempts: Sequence[Attempt]) -> JobView:
    """Return a job as the API shows it. A field of the same name needs no line here."""
    report, result = job.report, job.result
    return JobView.from_value(
        job,
        id=str(job.id),
        state=job.state.value,
        created_at=rfc3339(job.created_at),
        published_at=rfc3339(job.published_at),
        finished_at=rfc3339(job.finished_at),
        expired_at=rfc3339(job.expired_at),
        result_deleted_at=rfc3339(job.result_deleted_at),
        aggregation=aggregation_json(job.aggregation),
        progress=progress_view(job),
        result=result and JobResultView.from_value(result, rows_in=job.rows_in),
        report=report and report_view(report),
        problems=tuple(map(ProblemView.from_value, report.problems)) if report else (),
        problem_count=report.problem_count if report and not report.unfinished else None,
        attempts=tuple(map(_attempt_view, attempts)),
        inputs=tuple(map(_input_view, job.inputs)),
        stage="fetching" if job.fetching else None,
        output_to=_output_view(job),
        cached_from=None if job.cached_from is None else str(job.cached_from),
        notify=tuple(str(URL(url).origin()) for url in job.notify),
    )


def report_view(report: Report) -> ReportView:
    """Return the report of an attempt as the API shows it."""
    computed = {
        "dialect": _dialect(report.dialect) if report.dialect else None,
        "warnings": tuple(map(WarningView.from_value, report.warnings)),
        "inputs": tuple(map(_input_report_view, report.inputs)),
        "seconds": {name: round(took, 3) for name, took in asdict(report.seconds).items()},
    }
    of_whole_file = {
        "rows_in": report.rows.total,
        "rows_aggregated": report.rows.aggregated,
        "rows_filtered": report.rows.filtered,
        "rows_rejected": report.rows.rejected,
        "rows_of_several_lines": report.rows_of_several_lines,
        "most_lines": report.most_lines,
        "lines_passed_over": report.lines_passed_over,
        "rejects_omitted": report.rejects_omitted,
        "rows_padded": report.rows_padded,
        "rows_truncated": report.rows_truncated,
        "groups": report.groups,
        "bytes_decompressed": report.bytes_decompressed,
        "bytes_out": report.bytes_out,
    }
    if report.unfinished:
        of_whole_file = dict.fromkeys(of_whole_file)
    return ReportView.from_value(report, **computed, **of_whole_file)


def _dialect(dialect: Dialect) -> dict[str, Any]:
    """Return how a file was read. What was assumed is among the warnings."""
    # Not by `asdict` as a whole, which copies every value.
    shown = {name: getattr(dialect, name) for name in _OF_DIALECT}
    return {**shown, "number": asdict(dialect.number)}


def _input_report_view(each: InputReport) -> InputReportView:
    return InputReportView.from_value(
        each,
        rows_in=each.rows.total,
        rows_aggregated=each.rows.aggregated,
        rows_filtered=each.rows.filtered,
        rows_rejected=each.rows.rejected,
    )


def _output_view(job: Job) -> OutputToView | None:
    if job.output_to is None:
        return None
    return OutputToView(job.output_to, job.output_state or DeliveryState.PENDING, job.output_reason)


def _input_view(each: JobInput) -> JobInputView:
    return JobInputView.from_value(each, upload_id=str(each.upload_id))


def _attempt_view(attempt: Attempt) -> AttemptView:
    return AttemptView.from_value(
        attempt, started_at=rfc3339(attempt.started_at), ended_at=rfc3339(attempt.ended_at)
    )
