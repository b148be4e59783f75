"""Pages, health and metrics of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.parts import (
    JSON,
    header,
    json_answer,
    operation,
    parameter,
    reading,
    ref,
    refusals,
)
from gateway.web.files import CONTENT_TYPES

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


def _cached(get: Node) -> Node:
    """Return the operation with what caches of the page's files need."""
    fields = {
        "ETag": header("A strong tag of the content, another one for each content coding"),
        "Cache-Control": header("How long a cached copy may be used"),
    }
    answers = {
        **get["responses"],
        "304": {"description": "The cached copy is still valid", "headers": fields},
    }
    answers["200"] = {**answers["200"], "headers": fields}
    return {**get, "responses": dict(sorted(answers.items()))}


_MEDIA_TYPES = sorted({*CONTENT_TYPES.values()})


def _file_of(name: str, summary: str, *, example: str) -> Node:
    return operation(
        name,
        summary,
        tag=TAG,
        parameters=[
            parameter(
                "version",
                "path",
                "The version, as the HTML names it; the file is that of the version that the "
                "gateway has",
                {"type": "string"},
            ),
            parameter("path", "path", "The path of the file", {"type": "string"}, example=example),
        ],
        answers={
            "200": {
                "description": "The file",
                "content": {kind: {"schema": {"type": "string"}} for kind in _MEDIA_TYPES},
            },
            "404": {
                "description": "The page has no such file",
                "content": {
                    JSON: {
                        "schema": ref("Error"),
                        "example": {"status": "error", "message": "Not Found"},
                    }
                },
            },
            **refusals(),
        },
    )


PAGE_FILE = _file_of("pageFile", "A module, style or picture of the page", example="app.js")
DOCS_FILE = _file_of("docsFile", "A file of the API reference", example="reference.js")


def _client(name: str, summary: str) -> Node:
    """Return the operation that leads to a file of the JavaScript client."""
    location = {"schema": {"type": "string"}, "example": "page/0123456789abcdef/csvmill.js"}
    return operation(
        name,
        summary,
        tag=TAG,
        answers={
            "302": {
                "description": "`Location` is its address in this version, relative to this one",
                "headers": {"Location": location},
            },
            **refusals(),
        },
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
        example={"status": "ok", "version": "0.2.0"},
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
    "/": reading(_cached(page("index", "Show the page with which people use the service"))),
    "/page/{version}/{path}": reading(_cached(PAGE_FILE)),
    "/csvmill.js": reading(_client("clientModule", "Load the client for web pages")),
    "/csvmill.d.ts": reading(_client("clientTypes", "Load the types of the client for web pages")),
    "/docs": reading(_cached(page("docs", "Show this document as a page"))),
    "/docs/{version}/{path}": reading(_cached(DOCS_FILE)),
    "/openapi.json": reading(OPENAPI),
    "/healthz": reading(HEALTHZ),
    "/readyz": reading(READYZ),
    "/metrics": {"get": METRICS},
}
