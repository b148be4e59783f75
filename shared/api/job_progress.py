"""Converts the progress of a job to the JSON of `/api/v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.api.job import ProgressView
from shared.jobs.job import JobProgress, JobState

if TYPE_CHECKING:
    from shared.jobs.job import Job

MOST = 99.9
"""The percentage of a job that has read everything, but not written its result yet."""

_NOTHING_READ = JobProgress(bytes_done=0)


def progress_view(job: Job) -> ProgressView | None:
    """Return the progress of the latest attempt; None if there is none to show."""
    if job.state is JobState.SUCCESS:
        progress = JobProgress(job.input_size, job.rows_in)
    elif job.state in (JobState.PENDING, JobState.RETRY) and not job.fetching:
        return None
    elif job.progress is not None:
        progress = job.progress
    elif job.state is JobState.STARTED:
        progress = _NOTHING_READ
    else:
        return None
    return ProgressView.from_value(
        progress,
        bytes_total=job.input_size,
        percent=100.0 if job.state is JobState.SUCCESS else _percent(progress, job.input_size),
        eta=_eta(job, progress),
    )


def _percent(progress: JobProgress, total: int) -> float:
    """Return the percentage to a tenth, rounded down; that of a job without a result is not 100."""
    return min(progress.bytes_done * 1000 // total / 10, MOST) if total else MOST


def _eta(job: Job, progress: JobProgress) -> float | None:
    """Return the seconds until the input is read, at the current rate, without the writing."""
    if job.state is JobState.SUCCESS:
        return 0.0
    left = job.input_size - progress.bytes_done
    if job.state is not JobState.STARTED or not progress.rate or not left:
        return None
    return round(left / progress.rate, 1)
