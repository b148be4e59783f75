"""The JSON of the public API, byte for byte.

`golden/<name>.json` was written by csvmill before there were models of its answers. Since then,
`confinement`, `warnings` and numbers of lines and records have been added to reports; `null`,
`number`, `date`, and what says which lines are the table, to dialects; `proposal`,
`misfit_field`, `default_fits` and `sample_rows` to inspections; what computed a column, and the
number of rows, to previews; `inputs`, `cached_from`, `notify` and
`spec_name` to jobs; `cluster` to reports, and `engine` to jobs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.http.problems import problem_response
from gateway.jobs.event_stream import event_view
from gateway.protocols.common.view import upload_view
from gateway.results.preview_rows import preview_of
from gateway.uploads.upload import Upload
from shared.aggregation.spec import (
    SONG_PLAYS,
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.api.job import JobListView
from shared.api.job_view import job_view
from shared.blobs.blob import BlobInfo, BlobKey
from shared.blobs.byte_ranges import RangeSet
from shared.csv.dialect import Dialect, Input
from shared.csv.problems import Problem
from shared.errors import InvalidInput, JobNotFound, OffsetConflict
from shared.inspection.inspect import inspect
from shared.inspection.inspection_view import inspection_view
from shared.jobs.head_start import HeadStart, HeadStartProgress
from shared.jobs.job import (
    Attempt,
    AttemptOutcome,
    Job,
    JobProgress,
    JobRejects,
    JobResult,
    JobState,
)
from shared.jobs.job_input import JobInput
from shared.jobs.report import Report, Rows, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
ID, UPLOAD = UUID(int=7), UUID(int=8)
KEY = BlobKey(f"uploads/{UPLOAD}")

NAME = 'Čaj "1".csv'
INPUT = JobInput(UPLOAD, KEY, NAME, 1000)
WAITING = Job(ID, UPLOAD, (INPUT,), NAME, SONG_PLAYS, JobState.PENDING, 0, 3, 1.5)
RUNNING = replace(
    WAITING,
    state=JobState.STARTED,
    attempt=1,
    published_at=1_767_323_045.6784,
    aggregation=Aggregation(
        group_by=(GroupColumn("Song"), GroupColumn(2, "Month", "month")),
        aggregates=(Aggregate("sum", "Plays", "n", kind="integer"), Aggregate("count")),
        where=Junction("and", (Condition("Plays", ">", ("1.50",), "number"),)),
        order_by=(OrderColumn("n", descending=True),),
        limit=10,
        output="parquet",
        input=Input(delimiter=";", header=False),
    ),
)
PROBLEMS = (
    Problem(2, 9, 3, "Plays", "'é'", "an integer", b"a,b,x"),
    Problem(4, 20, None, None, "5 columns", "4 columns", b""),
)
ATTEMPTS = (
    Attempt(ID, 1, "host:1", 2.0, 3.25, AttemptOutcome.FAILURE, "no memory"),
    Attempt(ID, 2, "host:2", 4.0),
)
REPORT = Report(
    Rows(5, 2, 1),
    groups=3,
    problems=PROBLEMS,
    problem_count=22,
    dialect=Dialect(delimiter=";", bom=True, line_ends=("lf", "crlf")),
    engine="duckdb",
    engine_version="1.4",
    plan="fast",
    bytes_in=1000,
    bytes_decompressed=2000,
    bytes_out=30,
    seconds=Seconds(0.12345, 2.0, 1e-05, 12.5),
    peak_memory=1 << 30,
    peak_scratch=0,
    rows_of_several_lines=2,
    most_lines=4,
    attempts=2,
)
RESULT = JobResult(
    BlobKey("results/7/2"), 30, "ab" * 32, 8, 3, JobRejects(BlobKey("results/7/2/r"), 1, "cd")
)
DONE = replace(
    RUNNING, state=JobState.SUCCESS, attempt=2, finished_at=9.0, result=RESULT, report=REPORT
)
FAILED = replace(
    RUNNING,
    state=JobState.FAILURE,
    attempt=2,
    finished_at=9.0,
    reason="line 2: found 'é', expected an integer",
    progress=JobProgress(999, 7, 100.0),
    report=replace(REPORT, unfinished=True, dialect=None),
)


def _upload(size: int | None, ranges: list[tuple[int, int]], **more: Any) -> Upload:
    sha256 = more.pop("sha256", None)
    blob = BlobInfo(KEY, size, RangeSet.of(ranges), sha256, {"filename": "plays.csv"})
    return Upload(UPLOAD, blob, **more)


HEAD_START = HeadStart(
    UPLOAD,
    offered_at=1.0,
    token=1,
    worker="host:1",
    held_until=9.0,
    progress=HeadStartProgress(17, 2, True, 1, "line 3: found 'é', expected an integer"),
)


def _inspection(data: bytes, whole: bool, aggregation: Aggregation | None = None) -> str:
    """The JSON of an inspection, with fixed texts: what they say is not compared here."""
    found = inspect(data, whole=whole, aggregation=aggregation)
    fits = found.fits and replace(found.fits, error=found.fits.error and "the misfit")
    fixed = replace(
        found,
        header=replace(found.header, reason="the reason"),
        error=found.error and "the error",
        fits=fits,
        problems=PROBLEMS if found.problems else (),
        notes=("a note", "another"),
    )
    return json.dumps(inspection_view(fixed).as_json())


def _problem(status: int, detail: str | None, error: Exception | None) -> str:
    return str(problem_response(status, detail, error).text)


def _job(job: Job, *attempts: Attempt) -> str:
    return json.dumps(job_view(job, attempts).as_json())


def _list(*jobs: Job) -> str:
    views = tuple(job_view(job, ATTEMPTS) for job in jobs)
    return json.dumps(JobListView(views, "/api/v1/jobs?cursor=x").as_json())


def _event(job: Job) -> str:
    return json.dumps(event_view(job).as_json())


def _uploaded(upload: Upload) -> str:
    return json.dumps(upload_view(upload).as_json())


def _preview(aggregation: Aggregation, data: bytes, rows: int = 10) -> str:
    return preview_of(aggregation, data, whole=True, rows=rows).as_json(2)


PROGRESS = replace(RUNNING, progress=JobProgress(333, 12, 77.7, rows_estimated=True))
ANSWERS: dict[str, Callable[[], str]] = {
    "job-pending": lambda: _job(WAITING),
    "job-started": lambda: _job(RUNNING, *ATTEMPTS),
    "job-progress": lambda: _job(PROGRESS, *ATTEMPTS),
    "job-retry": lambda: _job(replace(RUNNING, state=JobState.RETRY, reason="no memory")),
    "job-success": lambda: _job(DONE, *ATTEMPTS),
    "job-success-without-report": lambda: _job(replace(DONE, report=None)),
    "job-failure": lambda: _job(FAILED, *ATTEMPTS),
    "job-failure-finished-report": lambda: _job(replace(FAILED, report=REPORT)),
    "job-revoked": lambda: _job(replace(WAITING, state=JobState.REVOKED, finished_at=2.0)),
    "job-of-nothing": lambda: _job(replace(DONE, inputs=(replace(INPUT, size=0),))),
    "list": lambda: _list(WAITING, DONE),
    "event-pending": lambda: _event(WAITING),
    "event-started": lambda: _event(PROGRESS),
    "event-success": lambda: _event(DONE),
    "event-expired": lambda: _event(replace(DONE, expired_at=10.0)),
    "event-failure": lambda: _event(FAILED),
    "upload-empty": lambda: _uploaded(_upload(None, [])),
    "upload-of-unknown-size": lambda: _uploaded(_upload(None, [(3, 5), (9, 10)])),
    "upload-with-gaps": lambda: _uploaded(_upload(20, [(3, 5), (9, 10)], sha256="ef" * 32)),
    "upload-with-head-start": lambda: _uploaded(_upload(40, [(0, 20)], head_start=HEAD_START)),
    "upload-with-job": lambda: _uploaded(_upload(20, [(0, 20)], job=WAITING)),
    "upload-with-many-gaps": lambda: _uploaded(
        _upload(9000, [(i, i + 1) for i in range(0, 9000, 4)])
    ),
    "inspection": lambda: _inspection(b"Song;Plays\r\na;1\r\nb;\"2\n3\"\r\n", True),
    "inspection-fits": lambda: _inspection(
        b"Song,Date,Plays\na,2026-01-01,1\n", True, SONG_PLAYS
    ),
    "inspection-misfit": lambda: _inspection(
        b"Song,Plays\na,1\n", True, Aggregation((GroupColumn("Sogn"),), ())
    ),
    "inspection-problems": lambda: _inspection(b"a,b\n1,2\n3\n4,5,6\n", True),
    "inspection-unreadable": lambda: _inspection(b"PK\x03\x04", True),
    "inspection-empty": lambda: _inspection(b"", True),
    "inspection-part": lambda: _inspection(b"\xef\xbb\xbfa,b\n1,2\n3", False),
    "preview-csv": lambda: _preview(
        SONG_PLAYS, b"S,D,P\nUmbr\xc3\xa9lla,2020-01-02,300\n,2020-01-03,1234567890123456\n"
    ),
    "preview-truncated": lambda: _preview(SONG_PLAYS, b"Song,Date,Plays\na,b,1\nc,d,2\n", 1),
    "problem-field": lambda: _problem(400, "size is 1", InvalidInput("x", field="size")),
    "problem-offsets": lambda: _problem(
        409, "at 5", OffsetConflict("x", expected=5, provided=0)
    ),
    "problem-of-a-status": lambda: _problem(405, "Method Not Allowed", None),
    "problem-not-found": lambda: _problem(404, "There is no job x", JobNotFound("x")),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_same_byte_for_byte(name: str) -> None:
    assert ANSWERS[name]() == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == ANSWERS.keys()
