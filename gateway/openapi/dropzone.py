"""The API of Dropzone and of the first clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.aggregations import NAME
from gateway.openapi.examples import JOB_ID
from gateway.openapi.jobs import JOB_ID_IN_PATH
from gateway.openapi.nodes import an_object, integer, text
from gateway.openapi.parts import JSON, QUOTA, errors, json_answer, links, operation, reading, ref
from gateway.openapi.results import result_answers, result_parameters
from gateway.protocols.dropzone.fields import FIELDS, REQUIRED, SPEC
from shared.errors import (
    BodyTooSlow,
    BytesDiffer,
    InputRemoved,
    InvalidInput,
    JobNotFound,
    ResultExpired,
    SpecMismatch,
    StorageFull,
    TooManyDownloads,
    UploadTooLarge,
)
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

TAG = "Dropzone"

FORM: Node = {
    "type": "object",
    "description": "The fields that Dropzone sends, in any order. Requests are faster with the "
    "fields before the file. A file that fits in one request needs no fields.",
    "properties": {
        "dzuuid": text("The id of the upload, the same for all its chunks", minLength=1),
        "dzchunkbyteoffset": {
            "type": "integer",
            "description": "The offset of the chunk in the file, in bytes",
        },
        "dzchunksize": integer("The nominal size of a chunk in bytes; the last may be shorter"),
        "dztotalfilesize": integer("The size of the whole file in bytes"),
        "dzfilename": text(
            "The name of the file; overrides the name in `file`",
            pattern=r"\.[cC][sS][vV]$",
        ),
        "dzchunkindex": integer("Not used"),
        "dztotalchunkcount": integer("Not used", at_least=1),
        SPEC: {
            "description": "The aggregation: the same in all chunks, and before `file`. Without "
            "it, plays are summed by song and date",
            **ref(NAME),
        },
        "file": text("The bytes, with a filename that ends in `.csv`", format="binary"),
    },
    "required": ["file"],
    # One of Dropzone's fields requires all fields that Dropzone always sends.
    "dependentRequired": {name: list(REQUIRED) for name in FIELDS},
}

UPLOADED = an_object(
    {
        "message": {"type": "string"},
        "job_id": text("The id of the job, once the file is complete", format="uuid"),
    },
    description="The chunk is stored.",
    optional=("job_id",),
)

STATUS = an_object(
    {
        "job_id": text("The job's id", format="uuid"),
        "jod_id": text("The same, misspelt, for the first clients", format="uuid"),
        "job_status": ref("JobState"),
        "message": text("Why the job failed"),
    },
    description="The state of a job.",
    optional=("message",),
)

UPLOAD = operation(
    "uploadFile",
    "Upload a chunk of a file, or a small file",
    tag=TAG,
    description="Chunks may come in any order and in parallel, repeat and overlap. A chunk that "
    "was not answered with 200 has changed nothing and can be sent again. A chunk with other bytes "
    "than were received before is refused.",
    body={
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": FORM,
                "example": {
                    "dzuuid": "my-upload",
                    "dzchunkbyteoffset": 0,
                    "dzchunksize": 50,
                    "dztotalfilesize": 50,
                    "dzfilename": "plays.csv",
                    "file": "Song,Date,Number of Plays\nUmbrella,2020-01-02,200\n",
                },
                "encoding": {
                    SPEC: {"contentType": JSON},
                    "file": {"contentType": "text/csv"},
                },
            }
        },
    },
    answers={
        **json_answer(
            200,
            "The chunk is stored; the last missing chunk creates a job",
            ref("Uploaded"),
            example={"message": "File uploaded successfully", "job_id": JOB_ID},
            links=links(
                ("fileStatus", "downloadFile", "showJob", "showResult", "cancelJob"),
                "job_id",
                "job_id",
            ),
        ),
        **errors(
            InvalidInput,
            UploadTooLarge,
            SpecMismatch,
            BytesDiffer,
            InputRemoved,
            BodyTooSlow,
            StorageFull,
            *QUOTA,
        ),
    },
)

SHOW_STATUS = operation(
    "fileStatus",
    "Show the state of a job",
    tag=TAG,
    parameters=[JOB_ID_IN_PATH],
    answers={
        **json_answer(
            200,
            "The state of the job",
            ref("Status"),
            example={"job_id": JOB_ID, "jod_id": JOB_ID, "job_status": JobState.SUCCESS},
        ),
        **errors(JobNotFound),
    },
)

DOWNLOAD = operation(
    "downloadFile",
    "Download the result of a job, whole or in ranges",
    tag=TAG,
    parameters=[JOB_ID_IN_PATH, *result_parameters(encoded=False)],
    answers={
        **json_answer(
            400,
            "There is no result",
            ref("Error"),
            example={
                "status": "error",
                "message": f"There is no result: the job is {JobState.STARTED}",
                "job_status": JobState.STARTED,
            },
        ),
        **errors(JobNotFound, ResultExpired, TooManyDownloads),
        **result_answers(as_problems=False),
    },
)

SCHEMAS = {"Uploaded": UPLOADED, "Status": STATUS}

PATHS = {
    "/api/upload_file": {"post": UPLOAD},
    "/api/file_status/{job_id}": reading(SHOW_STATUS),
    "/api/download_file/{job_id}": reading(DOWNLOAD, head_without=("206",)),
}
