"""The examples that several operations show. All are about the same upload and its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import aggregations
from shared.jobs.control import CANCELLED
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

JOB_ID = "9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55"
UPLOAD_ID = "3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11"
CRASHED = "the engine's process was killed by SIGKILL (signal 9)"


JOB_EXAMPLE: Node = {
    "id": JOB_ID,
    "state": JobState.RETRY,
    "attempt": 1,
    "max_attempts": 3,
    "created_at": "2026-01-02T03:04:05.678Z",
    "published_at": "2026-01-02T03:04:11.213Z",
    "finished_at": None,
    "expired_at": None,
    "result_deleted_at": None,
    "reason": CRASHED,
    "filename": "plays.csv",
    "input_size": 74,
    "aggregation": aggregations.AGGREGATION_EXAMPLE,
    "progress": None,
    "result": None,
    "report": None,
    "problems": [],
    "problem_count": None,
    "attempts": [
        {
            "number": 1,
            "worker": "worker-2.example:4711",
            "started_at": "2026-01-02T03:04:05.702Z",
            "ended_at": "2026-01-02T03:04:11.190Z",
            "outcome": "failure",
            "reason": CRASHED,
        }
    ],
    "inputs": [
        {"upload_id": UPLOAD_ID, "name": "plays.csv", "size": 74, "sha256": None, "url": None}
    ],
    "cached_from": None,
    "notify": ["https://hooks.example"],
    "spec_name": None,
    "stage": None,
    "output_to": None,
    "engine": "auto",
}

NEW_JOB_EXAMPLE: Node = {
    **JOB_EXAMPLE,
    "state": JobState.PENDING,
    "attempt": 0,
    "published_at": None,
    "reason": None,
    "attempts": [],
}

CANCELLED_JOB_EXAMPLE: Node = {
    **JOB_EXAMPLE,
    "state": JobState.REVOKED,
    "finished_at": "2026-01-02T03:05:00.000Z",
    "reason": CANCELLED,
}

UPLOAD_EXAMPLE: Node = {
    "id": UPLOAD_ID,
    "name": "plays.csv",
    "size": 74,
    "sha256": None,
    "complete": False,
    "received_bytes": 34,
    "received": [[40, 74]],
    "missing": [[0, 40]],
    "job": None,
    "head_start": None,
}

DATASET_EXAMPLE: Node = {
    "id": UPLOAD_ID,
    "name": "plays.csv",
    "size": 74,
    "sha256": None,
    "created_at": "2026-01-02T03:04:05.678Z",
    "keep": True,
    "expires_at": "2026-02-01T03:04:05.678Z",
    "jobs": [JOB_ID],
}

PREVIEW_EXAMPLE: Node = {
    "columns": [
        {"name": "Song", "type": "text", "function": None, "truncate": None},
        {"name": "Date", "type": "text", "function": None, "truncate": None},
        {
            "name": "Total Number of Plays for Date",
            "type": "integer",
            "function": "sum",
            "truncate": None,
        },
    ],
    "rows": [["Umbrella", "2020-01-02", 300], ["Yellow", "2020-01-02", "12345678901234567890"]],
    "truncated": False,
    "total_rows": 2,
}
