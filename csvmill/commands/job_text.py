"""Jobs and their reports as text for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import click

from csvmill.commands.option_words import spoken
from csvmill.commands.problem_text import describe_problems
from csvmill.commands.spec_text import describe_spec
from shared.csv.problems import show
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    from csvmill.client import JobProgress, JobView, ReportView


def job_json(job: JobView) -> dict[str, Any]:
    """Return what `--json` shows of a job, with the keys of its result beside those of the job."""
    shown = asdict(job)
    del shown["published_at"], shown["result"]
    return {
        **shown,
        "result_size": job.result_size,
        "result_sha256": job.result_sha256,
        "rows_in": job.rows_in,
        "rows_out": job.rows_out,
    }


def describe_job(job: JobView) -> str:
    """Return a line for each property and each attempt of a job."""
    lines = [
        ("job", job.id),
        ("state", job.state),
        ("reason", job.reason and spoken(job.reason, job.aggregation)),
        ("file", f"{job.filename}, {job.input_size:,} bytes"),
        ("computes", job.aggregation and describe_spec(job.aggregation)),
        ("created", job.created_at),
        ("finished", job.finished_at),
    ]
    if job.result_size is not None:
        lines += [
            ("result", f"{job.result_size:,} bytes, {job.rows_out:,} of {job.rows_in:,} rows"),
            ("sha256", job.result_sha256),
        ]
    if job.state == JobState.STARTED and job.progress is not None:
        lines.append(("progress", _describe_progress(job.progress)))
    lines += describe_report(job)
    last = 0
    for attempt in job.attempts:
        if attempt.number > last + 1:
            lines.append(("", f"attempts {last + 1} to {attempt.number - 1} are not shown"))
        last = attempt.number
        text = f"{attempt.outcome or 'running'} on {attempt.worker}, {attempt.started_at}"
        text += f" to {attempt.ended_at}" if attempt.ended_at else ""
        text += f": {spoken(attempt.reason, job.aggregation)}" if attempt.reason else ""
        lines.append((f"attempt {attempt.number}", text))
    return "\n".join(f"{name:<10} {value}" for name, value in lines if value is not None)


def _describe_progress(progress: JobProgress) -> str:
    text = f"{progress.percent:g}%, {progress.bytes_done:,} of {progress.bytes_total:,} bytes"
    text += f", {rows_done(progress)}" if progress.rows_done is not None else ""
    return text + (f", {progress.eta:g} s left" if progress.eta is not None else "")


def rows_done(progress: JobProgress) -> str:
    """Return how many rows have been read, or an empty string if that is not known."""
    if progress.rows_done is None:
        return ""
    return f"{'about ' if progress.rows_estimated else ''}{progress.rows_done:,} rows"


def describe_report(job: JobView) -> list[tuple[str, str]]:
    """Return labelled lines about a job's report and the problems of its file."""
    lines: list[tuple[str, str]] = []
    if (report := job.report) is not None:
        if report.rows_in is not None:
            lines = [("rows", row_counts(report)), *(("", each) for each in _other_counts(report))]
        lines += [
            (
                "engine",
                f"{report.engine} {report.engine_version}, {report.plan} plan"
                + (f", on {report.cluster}" if report.cluster else ""),
            ),
            ("took", ", ".join(f"{name} {took:.1f} s" for name, took in report.seconds.items())),
            ("memory", f"at most {report.peak_memory >> 20:,} MiB"),
            ("scratch", f"at most {report.peak_scratch >> 20:,} MiB"),
        ]
    lines += [
        ("problem", spoken(text, job.aggregation)) for text in describe_problems(job.problems)
    ]
    if (more := (job.problem_count or 0) - len(job.problems)) > 0:
        lines.append(("", f"and {more:,} more problems"))
    return lines


def echo_warnings(job: JobView) -> None:
    """Print the warnings about a job's file to standard error."""
    for warning in job.report.warnings if job.report else ():
        click.echo(f"Warning: {spoken(describe_warning(warning), job.aggregation)}", err=True)


class WarningLike(Protocol):
    """A warning, of a job or of an inspection."""

    @property
    def count(self) -> int: ...  # noqa: D102
    @property
    def file(self) -> str | None: ...  # noqa: D102
    @property
    def line(self) -> int | None: ...  # noqa: D102
    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def remedy(self) -> str: ...  # noqa: D102


def describe_warning(warning: WarningLike) -> str:
    """Return a warning on one line, with the file if the job has several."""
    places = [] if warning.file is None else [show(warning.file.encode())]
    places += [] if warning.line is None else [f"line {warning.line}"]
    first = "in" if warning.count == 1 else "first in"
    where = f" ({first} {', '.join(places)})" if places else ""
    return f"{warning.message}{where}; {warning.remedy}"


def multiline_rows(rows: int, most_lines: int) -> str:
    """Return how many rows span several lines; a stray quote can be the cause."""
    return f"{rows:,} span several lines, at most {most_lines:,}"


def _other_counts(report: ReportView) -> list[str]:
    """Return what else was counted of rows and lines, if it is not zero."""
    counts = []
    if report.rows_of_several_lines and report.most_lines:
        counts.append(multiline_rows(report.rows_of_several_lines, report.most_lines))
    if report.rows_padded:
        counts.append(f"{report.rows_padded:,} had too few cells, and were filled")
    if report.rows_truncated:
        counts.append(f"{report.rows_truncated:,} had too many cells, and were cut")
    if report.lines_passed_over:
        lines = "line is" if report.lines_passed_over == 1 else "lines are"
        counts.append(f"{report.lines_passed_over:,} {lines} in no row")
    return counts


def row_counts(report: ReportView) -> str:
    """Return how the rows of the input add up."""
    return (
        f"{report.rows_in:,} = {report.rows_aggregated:,} aggregated "
        f"+ {report.rows_filtered:,} filtered + {report.rows_rejected:,} rejected"
    )
