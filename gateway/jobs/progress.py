"""How far a job is, as `/api/v1` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.jobs.job import JobProgress, JobState

if TYPE_CHECKING:
    from shared.jobs.job import Job

_BEFORE_THE_FIRST_REPORT = JobProgress(bytes_done=0)


def progress_view(job: Job) -> dict[str, Any] | None:
    """The JSON of a job's progress; None while no attempt is under way, and none has told any."""
    if job.state is JobState.SUCCESS:
        progress = JobProgress(job.input_size, job.rows_in)
    elif job.state in (JobState.PENDING, JobState.RETRY):
        return None
    elif job.progress is not None:
        progress = job.progress
    elif job.state is JobState.STARTED:
        progress = _BEFORE_THE_FIRST_REPORT
    else:
        return None
    return {
        "bytes_done": progress.bytes_done,
        "bytes_total": job.input_size,
        "rows_done": progress.rows_done,
        "rows_estimated": progress.rows_estimated,
        "percent": _percent(progress.bytes_done, job.input_size),
        "eta": _seconds_left(job, progress),
    }


def _percent(done: int, total: int) -> float:
    """To a tenth, rounded down: 100 is said of the whole only."""
    return done * 1000 // total / 10 if total else 100.0


def _seconds_left(job: Job, progress: JobProgress) -> float | None:
    """For the rest of the input, at the rate of late; nobody knows how long the writing takes."""
    if job.state is JobState.SUCCESS:
        return 0.0
    left = job.input_size - progress.bytes_done
    if job.state is not JobState.STARTED or not progress.rate or not left:
        return None
    return round(left / progress.rate, 1)
