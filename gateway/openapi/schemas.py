"""The schemas of the document. `shared.api` describes the JSON of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import aggregations
from gateway.openapi.examples import JOB_ID
from gateway.openapi.models import view_schemas
from gateway.openapi.nodes import an_object, integer, text
from gateway.openapi.parts import ref
from gateway.openapi.requests import DECLARATION, JOB_REQUEST, KEEP, SIZE
from shared.api.access import AuditPageView, KeyListView, LinkView, NewKeyView
from shared.api.dataset import DatasetListView
from shared.api.inspection import InspectionView
from shared.api.job import STATE_SCHEMA, JobEventDataView, JobListView
from shared.api.notification import (
    NewWebhookSecretView,
    NotificationListView,
    WebhookSecretView,
)
from shared.api.preview import PreviewView
from shared.api.problem import ProblemDetails
from shared.api.saved_spec import SpecListView, SpecView
from shared.api.tenant import TenantListView
from shared.api.upload import UploadView
from shared.errors import JobNotFound

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

JOB_EVENT = an_object(
    {
        "event": {
            "enum": ["state", "progress"],
            "description": "`state` if the state or the attempt has changed",
        },
        "id": text("Attempt, state and bytes read", pattern="^[0-9]+-[A-Z]+-[0-9]+$"),
        "retry": integer("Milliseconds before the client reconnects; in the first event only"),
        "data": text(
            "JSON", contentMediaType="application/json", contentSchema=ref("JobEventData")
        ),
    },
    description="One event of a stream.",
    optional=("retry",),
)

ERROR: Node = {
    "type": "object",
    "description": "Every error outside of `/api/v1`.",
    "properties": {
        "status": {"const": "error"},
        "message": text("What is wrong and what to do"),
        "job_status": ref("JobState"),
    },
    "required": ["status", "message"],
}

SCHEMAS: Node = {
    **aggregations.SCHEMAS,
    **view_schemas(
        AuditPageView,
        DatasetListView,
        InspectionView,
        JobEventDataView,
        JobListView,
        KeyListView,
        LinkView,
        NewKeyView,
        NewWebhookSecretView,
        NotificationListView,
        PreviewView,
        ProblemDetails,
        SpecListView,
        SpecView,
        TenantListView,
        UploadView,
        WebhookSecretView,
    ),
    "Declaration": DECLARATION,
    "Error": ERROR,
    "JobEvent": JOB_EVENT,
    "JobRequest": JOB_REQUEST,
    "JobState": STATE_SCHEMA,
    "Keep": KEEP,
    "Size": SIZE,
}
SCHEMAS["ProblemDetails"]["examples"] = [
    {
        "type": JobNotFound.problem_type,
        "title": JobNotFound.title,
        "status": JobNotFound.status,
        "detail": f"There is no job {JOB_ID}",
    }
]
