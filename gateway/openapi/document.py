"""The whole document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import (
    dropzone,
    inspections,
    jobs,
    results,
    schemas,
    service,
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
        "summary": "Sums CSV files that are too large for memory, over HTTP that can be resumed.",
        "description": "Upload a file in chunks, which may be lost, repeated, reordered and "
        "resumed; it becomes a job. Follow the job, and download its result, whole or in ranges. "
        "Sizes and offsets are in bytes, times in UTC.",
    },
    "servers": [{"url": "/"}],
    "tags": [
        {"name": upload_parts.TAG, "description": "For programs: a file in parts, of any size."},
        {"name": jobs.TAG, "description": "What a file has become, and its result."},
        {
            "name": dropzone.TAG,
            "description": "Chunks as Dropzone sends them in a browser; status and result.",
        },
        {"name": tus.TAG, "description": "For clients that speak the tus protocol 1.0.0."},
        {"name": service.TAG, "description": "What the service says about itself."},
    ],
    "paths": {
        **uploads.PATHS,
        **inspections.PATHS,
        **jobs.PATHS,
        **dropzone.PATHS,
        **tus.PATHS,
        **service.PATHS,
    },
    "components": {
        "schemas": dict(
            sorted(
                {
                    **schemas.SCHEMAS,
                    **dropzone.SCHEMAS,
                }.items()
            )
        ),
        "headers": results.HEADERS,
    },
}
"""As OpenAPI Specification 3.1.1 defines it."""
