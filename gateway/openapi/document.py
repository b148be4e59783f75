"""The complete document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import (
    access,
    dropzone,
    inspections,
    jobs,
    notifications,
    results,
    schemas,
    service,
    specs,
    tenants,
    tus,
    upload_parts,
    uploads,
)

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

DOCUMENT: Node = {
    "openapi": "3.1.1",
    "info": {
        "title": "csvmill",
        "version": "1",
        "summary": "Aggregates CSV files that are too large for memory, over resumable HTTP.",
        "description": "Upload a file in chunks, which may be repeated, reordered and resumed. The "
        "complete file becomes a job. Follow the job, and download its result, whole or in ranges. "
        "Sizes and offsets are in bytes, times in UTC.",
    },
    "servers": [{"url": "/"}],
    "tags": [
        {"name": upload_parts.TAG, "description": "For programs: files of any size, in chunks."},
        {"name": jobs.TAG, "description": "Jobs and their results."},
        {
            "name": dropzone.TAG,
            "description": "Chunks as Dropzone sends them from a browser; status and result.",
        },
        {"name": tus.TAG, "description": "For clients of the tus protocol 1.0.0."},
        {"name": access.TAG, "description": "API keys: who may use the service, and for what."},
        {"name": specs.TAG, "description": "What to compute, saved under names."},
        {
            "name": notifications.TAG,
            "description": "Webhooks: notifications of how jobs ended.",
        },
        {"name": service.TAG, "description": "Documentation, health and metrics."},
    ],
    "paths": access.secured(
        {
            **uploads.PATHS,
            **inspections.PATHS,
            **jobs.PATHS,
            **access.PATHS,
            **tenants.PATHS,
            **notifications.PATHS,
            **specs.PATHS,
            **dropzone.PATHS,
            **tus.PATHS,
            **service.PATHS,
        }
    ),
    "webhooks": notifications.WEBHOOKS,
    "components": {
        "schemas": dict(
            sorted(
                {
                    **schemas.SCHEMAS,
                    **dropzone.SCHEMAS,
                    **notifications.SCHEMAS,
                }.items()
            )
        ),
        "headers": results.HEADERS,
        "securitySchemes": access.SECURITY_SCHEMES,
    },
}
"""The document (OpenAPI Specification 3.1.1)."""
