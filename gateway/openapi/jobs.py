"""`/api/v1/jobs`."""

from __future__ import annotations

from gateway.openapi.parts import json_answer, operation, parameter, problems, reading, ref
from gateway.openapi.results import result_answers, result_parameters
from gateway.openapi.schemas import JOB_EXAMPLE, JOB_ID
from shared.errors import (
    InputRemoved,
    JobFinished,
    JobNotFailed,
    JobNotFound,
    NoResult,
    ResultExpired,
)

TAG = "Jobs"

JOB_ID_IN_PATH = parameter(
    "job_id", "path", "The id of a job", {"type": "string", "format": "uuid"}, example=JOB_ID
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

CANCEL = operation(
    "cancelJob",
    "Cancel a job",
    tag=TAG,
    description="One that waits never begins; one that runs is stopped with its worker's next "
    "heartbeat. Its input is removed. Repeating the request is harmless.",
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(
            200,
            "The job, which is `REVOKED`",
            ref("Job"),
            example={**JOB_EXAMPLE, "state": "REVOKED", "finished_at": "2026-01-02T03:05:00.000Z"},
        ),
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
        **problems(JobNotFound, NoResult, ResultExpired),
        **result_answers(as_problems=True),
    },
)

PATHS = {
    "/api/v1/jobs/{job_id}": {**reading(SHOW), "delete": CANCEL},
    "/api/v1/jobs/{job_id}/result": reading(RESULT, head_without=("206",)),
    "/api/v1/jobs/{job_id}/retry": {"post": RETRY},
}
