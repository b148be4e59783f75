"""`/api/v1/jobs`."""

from __future__ import annotations

import json

from gateway.jobs.event_stream import CONTENT_TYPE
from gateway.jobs.list import EXAMINED
from gateway.jobs.list_query import LIMIT, MAX_LIMIT, NAME_LIMIT
from gateway.jobs.wait import MAX_WAIT
from gateway.openapi.datasets import ASK
from gateway.openapi.examples import CANCELLED_JOB_EXAMPLE, JOB_EXAMPLE, JOB_ID, PREVIEW_EXAMPLE
from gateway.openapi.parts import (
    FINISHED,
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
from gateway.results.preview import ROWS
from shared.errors import (
    InputRemoved,
    InvalidInput,
    JobFinished,
    JobNotFailed,
    JobNotFound,
    NoPreview,
    NoResult,
    NotSortable,
    ResultExpired,
    ResultLost,
    TooBusy,
    TooManyDownloads,
    TooManySubscriptions,
    TooManyTenantSubscriptions,
    UploadInUse,
)
from shared.jobs.job import JobState
from shared.jobs.preview import MAX_ROWS

TAG = "Jobs"

JOB_ID_IN_PATH = parameter(
    "job_id", "path", "The id of a job", {"type": "string", "format": "uuid"}, example=JOB_ID
)

EVENT_ID = f"1-{JobState.STARTED}-3221225472"
CURSOR = "QdpVzWlrZFqfPy0cXw5Le4pDK52PK4xV"
NEXT = f"/api/v1/jobs?state={JobState.RETRY}&limit=1&cursor={CURSOR}"

LIST = operation(
    "listJobs",
    "List jobs, newest first",
    tag=TAG,
    description="`next` is the path of the next page, and null on the last one. The pages contain "
    "each job once, even if jobs are created in the meantime.",
    parameters=[
        parameter(
            "state",
            "query",
            "Only jobs in one of these states, repeated or separated by commas",
            {"type": "array", "items": ref("JobState")},
        ),
        parameter(
            "created_after",
            "query",
            "Only jobs created at or after this time (RFC 3339)",
            {"type": "string", "format": "date-time"},
        ),
        parameter(
            "created_before",
            "query",
            "Only jobs created before this time (RFC 3339)",
            {"type": "string", "format": "date-time"},
        ),
        parameter(
            "filename", "query", "Only jobs whose file has exactly this name", {"type": "string"}
        ),
        parameter(
            "name",
            "query",
            "Only jobs whose file names contain this text, in upper or lower case. A page ends "
            f"after {EXAMINED} jobs that were compared with it, however few it has: follow `next`",
            {"type": "string", "minLength": 1, "maxLength": NAME_LIMIT},
        ),
        parameter(
            "limit",
            "query",
            "The maximum number of jobs",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
        ),
        parameter(
            "cursor",
            "query",
            "The start of the page, as in `next`",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
        ),
    ],
    answers={
        **json_answer(
            200,
            "One page of the jobs",
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
    "Show a job, at once or when it has ended",
    tag=TAG,
    description="With `wait`, in the query or preferred, the request is answered when the job "
    "ends, or after so many seconds with the job as it is then; sooner if the server shuts down. "
    "`wait` in the query precedes the preference.",
    parameters=[
        JOB_ID_IN_PATH,
        parameter(
            "wait",
            "query",
            "Seconds to wait for the end of the job",
            {"type": "number", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
        ),
        parameter(
            "Prefer",
            "header",
            f"`wait=` seconds, the same as a preference (RFC 7240); more than {MAX_WAIT} count as "
            f"{MAX_WAIT}. Other preferences are ignored",
            {"type": "string"},
            example="wait=30",
        ),
    ],
    answers={
        **json_answer(
            200,
            "The job",
            ref("Job"),
            example=JOB_EXAMPLE,
            headers={
                "Preference-Applied": header("`wait=` seconds, if `Prefer` was followed (RFC 7240)")
            },
        ),
        **problems(InvalidInput, JobNotFound, TooManySubscriptions, TooManyTenantSubscriptions),
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
    "Follow a job by Server-Sent Events",
    tag=TAG,
    description="WHATWG HTML, 9.2. The first event shows the current state; each change is another "
    "event, and a slow client only receives the latest. The stream ends when the job ends. An "
    "event is `state` if the state or the attempt has changed, else `progress`. Comments are sent "
    "when there are no events. If the stream ends before the job, reconnect with `Last-Event-ID`.",
    parameters=[
        JOB_ID_IN_PATH,
        parameter(
            "Last-Event-ID",
            "header",
            "The `id` of the last received event: attempt, state and bytes done",
            {"type": "string"},
            example=EVENT_ID,
        ),
    ],
    answers={
        "200": {
            "description": "The events",
            "headers": {"Cache-Control": header("`no-store`")},
            "content": {
                CONTENT_TYPE: {
                    "schema": ref("JobEvent"),
                    "example": {
                        "event": "progress",
                        "id": EVENT_ID,
                        "data": json.dumps(_EVENT),
                    },
                }
            },
        },
        "204": {
            "description": "The job has ended, and `Last-Event-ID` shows that the client knows: "
            "do not reconnect"
        },
        **problems(JobNotFound, TooManySubscriptions, TooManyTenantSubscriptions),
    },
)

CANCEL = operation(
    "cancelJob",
    "Cancel a job, or delete one that has ended",
    tag=TAG,
    description="A waiting job never starts; a running job stops at its worker's next heartbeat. "
    "The input is deleted. A job that has succeeded or failed is deleted: its input, result and "
    "rejects are gone when this is answered; downloads in progress are finished. Repeating the "
    "request is harmless. The id may also be that of an upload, which is then removed.",
    parameters=[JOB_ID_IN_PATH, FINISHED],
    answers={
        **json_answer(
            200,
            f"The job, which is `{JobState.REVOKED}`",
            ref("Job"),
            example=CANCELLED_JOB_EXAMPLE,
        ),
        "204": {
            "description": "The job had ended and is deleted. Or: the id was that of an upload, "
            "which is removed"
        },
        **problems(InvalidInput, JobNotFound, JobFinished, UploadInUse),
    },
)

RETRY = operation(
    "retryJob",
    "Retry a failed job",
    tag=TAG,
    description="The job runs at once, and may fail `max_attempts` times again.",
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(200, "The job", ref("Job"), example=JOB_EXAMPLE),
        **problems(JobNotFound, JobNotFailed, InputRemoved),
    },
)

_NOT_SENT = (
    InvalidInput,
    JobNotFound,
    NoResult,
    ResultExpired,
    ResultLost,
    TooManyDownloads,
    TooBusy,
)

RESULT = operation(
    "showResult",
    "Download the result of a job, whole, in ranges, or compressed",
    tag=TAG,
    parameters=[JOB_ID_IN_PATH, *result_parameters(encoded=True)],
    answers={
        **problems(*_NOT_SENT),
        **result_answers(as_problems=True),
    },
)

DELETE_RESULT = operation(
    "deleteResult",
    "Delete the result of a job, and keep the job",
    tag=TAG,
    description="The result, the rejects and the preview are gone when this is answered; downloads "
    "in progress are finished. The job and its input are kept. Repeating the request is harmless.",
    parameters=[JOB_ID_IN_PATH],
    answers={
        "204": {"description": "The result is deleted"},
        **problems(JobNotFound, NoResult),
    },
)

REJECTS = operation(
    "showRejects",
    "Download the rejected records of a job as CSV, whole, in ranges, or compressed",
    tag=TAG,
    description="If `input.on_bad_row` was `skip`: each rejected record with its line, its offset "
    "in bytes, the column that breaks a rule (empty if the whole record does), the problem, and "
    "up to 64 KiB of the record. Other jobs that have succeeded have only the header.",
    parameters=[JOB_ID_IN_PATH, *result_parameters(encoded=True)],
    answers={
        **problems(*_NOT_SENT),
        **result_answers(as_problems=True, whole=REJECTS_TEXT, part="2,26,3", csv_only=True),
    },
)

PREVIEW = operation(
    "previewResult",
    "Show the first rows of a result as JSON",
    tag=TAG,
    description="Reads at most the first MiB of the result. A number of more than 15 digits is a "
    "string, so that no JSON parser rounds it. A missing value is null. For Parquet and Excel, "
    "up to 1000 rows are stored for previews. With `order_by` the whole result is read, and the "
    "first rows in this order are shown; results above a limit are refused.",
    parameters=[
        JOB_ID_IN_PATH,
        parameter(
            "rows",
            "query",
            "The maximum number of rows",
            {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": ROWS},
        ),
        parameter(
            "order_by",
            "query",
            "Sort by this column: its number, counted from 1, or its name, after `-` for the "
            "greatest value first. Numbers are compared by value, everything else bytewise; rows "
            "without a value come last. Without it, rows have the order of the result.",
            {"type": "string", "minLength": 1},
            example="-3",
        ),
    ],
    answers={
        **json_answer(200, "The first rows", ref("Preview"), example=PREVIEW_EXAMPLE),
        **problems(
            JobNotFound,
            NoResult,
            NoPreview,
            NotSortable,
            ResultExpired,
            ResultLost,
            InvalidInput,
            TooBusy,
        ),
    },
)

PATHS = {
    "/api/v1/jobs": {**reading(LIST), "post": ASK},
    "/api/v1/jobs/{job_id}": {**reading(SHOW), "delete": CANCEL},
    "/api/v1/jobs/{job_id}/events": {"get": EVENTS},
    "/api/v1/jobs/{job_id}/result": {
        **reading(RESULT, head_without=("206", "307")),
        "delete": DELETE_RESULT,
    },
    "/api/v1/jobs/{job_id}/rejects": reading(REJECTS, head_without=("206", "307")),
    "/api/v1/jobs/{job_id}/preview": reading(PREVIEW),
    "/api/v1/jobs/{job_id}/retry": {"post": RETRY},
}
