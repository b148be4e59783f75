"""`/api/v1/jobs`."""

from __future__ import annotations

import json

from gateway.jobs.event_stream import CONTENT_TYPE
from gateway.jobs.list_query import LIMIT, MAX_LIMIT
from gateway.openapi.parts import (
    header,
    json_answer,
    links,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from gateway.openapi.results import REJECTS_TEXT, result_answers, result_parameters
from gateway.openapi.schemas import JOB_EXAMPLE, JOB_ID, PREVIEW_EXAMPLE
from gateway.results.preview import ROWS
from shared.errors import (
    InputRemoved,
    InvalidInput,
    JobFinished,
    JobNotFailed,
    JobNotFound,
    NoPreview,
    NoResult,
    ResultExpired,
    ResultLost,
    TooManySubscriptions,
)
from shared.jobs.job import JobState
from shared.jobs.preview import MAX_ROWS

TAG = "Jobs"

JOB_ID_IN_PATH = parameter(
    "job_id", "path", "The id of a job", {"type": "string", "format": "uuid"}, example=JOB_ID
)

CURSOR = "QdpVzWlrZFqfPy0cXw5Le4pDK52PK4xV"
NEXT = f"/api/v1/jobs?state=RETRY&limit=1&cursor={CURSOR}"

LIST = operation(
    "listJobs",
    "The jobs, newest first",
    tag=TAG,
    description="Page by page: `next` leads to the page that follows, and is null on the last. Who "
    "goes through the pages meets each job once, however many are made meanwhile.",
    parameters=[
        parameter(
            "state",
            "query",
            "Only those in one of these states, repeated or separated by commas",
            {"type": "array", "items": ref("JobState")},
        ),
        parameter(
            "created_after",
            "query",
            "Only those made then or later (RFC 3339)",
            {"type": "string", "format": "date-time"},
        ),
        parameter(
            "created_before",
            "query",
            "Only those made before (RFC 3339)",
            {"type": "string", "format": "date-time"},
        ),
        parameter(
            "filename", "query", "Only those whose file has exactly this name", {"type": "string"}
        ),
        parameter(
            "limit",
            "query",
            "How many at the most",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
        ),
        parameter(
            "cursor",
            "query",
            "Where to go on: as `next` has it",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
        ),
    ],
    answers={
        **json_answer(
            200,
            "Some of the jobs",
            ref("JobList"),
            example={"jobs": [JOB_EXAMPLE], "next": NEXT},
            headers={"Link": header('`<...>; rel="next"` (RFC 8288), if there is another page')},
            links=links(("showJob", "showResult"), "job_id", "jobs/0/id"),
        ),
        **problems(InvalidInput),
    },
)

SHOW = operation(
    "showJob",
    "All that is known of a job",
    tag=TAG,
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(200, "The job", ref("Job"), example=JOB_EXAMPLE),
        **problems(JobNotFound),
    },
)

_EVENT = {
    "id": JOB_ID,
    "state": JobState.STARTED,
    "attempt": 1,
    "bytes_done": 3221225472,
    "bytes_total": 8589934592,
    "rows_done": 118210343,
    "rows_estimated": True,
    "percent": 37.5,
    "eta": 10.2,
    "reason": None,
    "result": None,
}

EVENTS = operation(
    "followJob",
    "Follow a job: Server-Sent Events",
    tag=TAG,
    description="WHATWG HTML, 9.2. The first event is the job as it stands; then there is one for "
    "each change, of several at a time for the last. The stream ends with the job. An "
    "event is `state` if it tells of another state or attempt, else `progress`. In silence there "
    "are comments. If the stream ends before the job does, come back with `Last-Event-ID`.",
    parameters=[
        JOB_ID_IN_PATH,
        parameter(
            "Last-Event-ID",
            "header",
            "The `id` of the last event that was seen: attempt, state, bytes done",
            {"type": "string"},
            example="1-STARTED-3221225472",
        ),
    ],
    answers={
        "200": {
            "description": "The events, each as described here",
            "headers": {"Cache-Control": header("`no-store`")},
            "content": {
                CONTENT_TYPE: {
                    "schema": ref("JobEvent"),
                    "example": {
                        "event": "progress",
                        "id": "1-STARTED-3221225472",
                        "data": json.dumps(_EVENT),
                    },
                }
            },
        },
        "204": {"description": "The job has ended, and `Last-Event-ID` says so: do not come back"},
        **problems(JobNotFound, TooManySubscriptions),
    },
)

CANCEL = operation(
    "cancelJob",
    "Cancel a job",
    tag=TAG,
    description="One that waits never begins; one that runs is stopped with its worker's next "
    "heartbeat. Its input is removed. Repeating the request is harmless. The id may be that of an "
    "upload: one in flight is removed.",
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(
            200,
            "The job, which is `REVOKED`",
            ref("Job"),
            example={
                **JOB_EXAMPLE,
                "state": JobState.REVOKED,
                "finished_at": "2026-01-02T03:05:00.000Z",
            },
        ),
        "204": {"description": "It was an upload in flight, which is removed"},
        **problems(JobNotFound, JobFinished),
    },
)

RETRY = operation(
    "retryJob",
    "Put a failed job back",
    tag=TAG,
    description="It may fail `max_attempts` times once more, and is run at once.",
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(200, "The job as it stands then", ref("Job"), example=JOB_EXAMPLE),
        **problems(JobNotFound, JobNotFailed, InputRemoved),
    },
)

RESULT = operation(
    "showResult",
    "The result of a job, whole, in ranges, or compressed",
    tag=TAG,
    parameters=[JOB_ID_IN_PATH, *result_parameters(encoded=True)],
    answers={
        **problems(JobNotFound, NoResult, ResultExpired, ResultLost),
        **result_answers(as_problems=True),
    },
)

REJECTS = operation(
    "showRejects",
    "The records of its file that a job left out, as CSV, whole, in ranges, or compressed",
    tag=TAG,
    description="Of a job whose `input.on_bad_row` was `skip`: each with its line, its offset in "
    "bytes, the column that is at fault (empty if none is), what is wrong, and as it stands in the "
    "file, of a long one the first 64 KiB. Of any other job that has succeeded, the header only.",
    parameters=[JOB_ID_IN_PATH, *result_parameters(encoded=True)],
    answers={
        **problems(JobNotFound, NoResult, ResultExpired, ResultLost),
        **result_answers(as_problems=True, whole=REJECTS_TEXT, part="2,26,3", csv_only=True),
    },
)

PREVIEW = operation(
    "previewResult",
    "The first rows of a result as JSON",
    tag=TAG,
    description="For people to look at: no more than the first 8 MiB are read. A number of more "
    "than 15 digits is a string, so that no reader of JSON rounds it; without a value it is null. "
    "Of Parquet, up to 1000 rows are kept for it.",
    parameters=[
        JOB_ID_IN_PATH,
        parameter(
            "rows",
            "query",
            "How many at the most",
            {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": ROWS},
        ),
    ],
    answers={
        **json_answer(200, "The first rows", ref("Preview"), example=PREVIEW_EXAMPLE),
        **problems(JobNotFound, NoResult, NoPreview, ResultExpired, ResultLost, InvalidInput),
    },
)

PATHS = {
    "/api/v1/jobs": reading(LIST),
    "/api/v1/jobs/{job_id}": {**reading(SHOW), "delete": CANCEL},
    "/api/v1/jobs/{job_id}/events": {"get": EVENTS},
    "/api/v1/jobs/{job_id}/result": reading(RESULT, head_without=("206",)),
    "/api/v1/jobs/{job_id}/rejects": reading(REJECTS, head_without=("206",)),
    "/api/v1/jobs/{job_id}/preview": reading(PREVIEW),
    "/api/v1/jobs/{job_id}/retry": {"post": RETRY},
}
