"""Pages, health and metrics of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.parts import JSON, json_answer, operation, reading, refusals

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

TAG = "Service"


def page(name: str, summary: str) -> Node:
    """Return the operation of an HTML page."""
    html = {"text/html": {"schema": {"type": "string"}}}
    return operation(
        name,
        summary,
        tag=TAG,
        answers={"200": {"description": "HTML", "content": html}, **refusals()},
    )


_READY: Node = {
    "type": "object",
    "properties": {"status": {"enum": ["ok", "unavailable"]}},
    "required": ["status"],
    "additionalProperties": {"type": "string", "description": "`ok`, or the error"},
}

HEALTHZ = operation(
    "healthz",
    "Check that this process answers",
    tag=TAG,
    answers=json_answer(
        200,
        "Healthy",
        {
            "type": "object",
            "properties": {"status": {"const": "ok"}, "version": {"type": "string"}},
            "required": ["status", "version"],
        },
        example={"status": "ok", "version": "1.0.0"},
    ),
)

READYZ = operation(
    "readyz",
    "Check that the dependencies answer",
    tag=TAG,
    answers={
        **json_answer(
            200,
            "Healthy",
            _READY,
            example={"status": "ok", "storage": "ok", "database": "ok", "broker": "ok"},
        ),
        **json_answer(
            503,
            "A dependency does not answer, or uploads have no space",
            _READY,
            example={
                "status": "unavailable",
                "storage": "ok",
                "database": "no answer within 3 s",
                "broker": "ok",
            },
        ),
    },
)

METRICS = operation(
    "metrics",
    "Metrics for Prometheus",
    tag=TAG,
    answers={
        "200": {
            "description": "The metrics, in the format that `Accept` prefers",
            "content": {
                kind: {"schema": {"type": "string"}}
                for kind in ("text/plain", "application/openmetrics-text")
            },
        },
        **refusals(),
    },
)

OPENAPI = operation(
    "openapi",
    "Return this document",
    tag=TAG,
    answers={
        "200": {"description": "OpenAPI 3.1", "content": {JSON: {"schema": {"type": "object"}}}},
        **refusals(),
    },
)

PATHS = {
    "/": reading(page("index", "Show what the service is and how to use it")),
    "/docs": reading(page("docs", "Show this document as a page")),
    "/openapi.json": reading(OPENAPI),
    "/healthz": reading(HEALTHZ),
    "/readyz": reading(READYZ),
    "/metrics": {"get": METRICS},
}
