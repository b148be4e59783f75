"""What `csvmill run` prints when it is done, and how it says that nothing was asked."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from csvmill.client.errors import BadRows, JobUnsuccessful
from csvmill.commands.job_text import row_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csvmill.run.request import RunRequest, RunResult


def result_text(request: RunRequest, done: RunResult) -> str:
    """Return the outcome of a run as text for people."""
    job, report = done.job, done.job.report
    text = (
        f"{request.output}: {job.rows_out:,} rows, {done.result.size:,} bytes, "
        f"from {job.rows_in:,} rows in {sum(done.seconds.values()):.1f} s"
    )
    if job.cached_from is not None:
        text += f"\nnot computed again: this is the result of job {job.cached_from}"
    if report is not None and report.rows_in != report.rows_aggregated:
        text += f"\n{row_counts(report)}"
    return text


def result_json(request: RunRequest, done: RunResult) -> dict[str, Any]:
    """Return the outcome of a run as `--json` prints it."""
    job, result = done.job, done.result
    shown = {
        "status": "done",
        "server": request.shown_server,
        "job_id": job.id,
        "input": {"path": str(request.input) if request.input else None, "size": job.input_size},
        "output": {"path": str(request.output), "size": result.size, "sha256": result.sha256},
        "rows_in": job.rows_in,
        "rows_out": job.rows_out,
        "uploaded_bytes": done.uploaded_bytes,
        "downloaded_bytes": done.downloaded_bytes,
        "seconds": {stage: round(spent, 3) for stage, spent in done.seconds.items()},
        "report": asdict(job.report) if job.report else None,
        "problems": [asdict(problem) for problem in job.problems],
        "problem_count": job.problem_count,
    }
    if request.is_asked:
        shown["inputs"] = [asdict(each) for each in job.inputs]
    if job.cached_from is not None:
        shown["cached_from"] = job.cached_from
    return shown


@contextmanager
def reminder(request: RunRequest) -> Iterator[None]:
    """If a file does not fit and no spec was given, add to the error how to give one."""
    try:
        yield
    except (BadRows, JobUnsuccessful) as error:
        if request.spec is not None:
            raise
        seen = ""
        if request.input is not None:
            seen = f"; `csvmill inspect {shlex.quote(str(request.input))}` shows them"
        raise type(error)(
            f"{error}\nNo spec was given, so the default was used: plays summed by song and date, "
            "for a file with the columns Song, Date, Number of Plays. For another file, name its "
            f"columns, as in --group-by COLUMN --sum COLUMN{seen}."
        ) from error
