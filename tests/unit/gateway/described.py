"""Checks every response of a gateway against the OpenAPI document, in any test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web
from jsonschema import Draft202012Validator

from gateway.openapi.document import DOCUMENT

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

ROUTER = {401, 403, 404, 405, 421}
"""The statuses of requests without an operation: of the router, and of refused access."""

JSON_TYPES = ("application/json", "application/problem+json")


@dataclass
class Described:
    """`middleware` must precede all others; `faults` are deviations from the document."""

    faults: list[str] = field(default_factory=list)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        self.faults += [
            f"{request.method} {request.rel_url}: {response.status} {fault}"
            for fault in _faults(request, response)
        ]
        return response


def operation_of(request: web.Request) -> dict[str, Any] | None:
    """Return the operation of the request's route."""
    resource = request.match_info.route.resource
    if resource is None:
        return None
    found: dict[str, Any] | None = (
        DOCUMENT["paths"].get(resource.canonical, {}).get(request.method.lower())
    )
    return found


def _faults(request: web.Request, response: web.StreamResponse) -> list[str]:
    operation = operation_of(request)
    preflight = "Access-Control-Request-Method" in request.headers
    if operation is None or preflight:
        return [] if response.status in ROUTER or preflight else ["by no operation"]
    answer = operation["responses"].get(str(response.status))
    if answer is None:
        return ["is not described"]
    faults = [
        f"has no {name}, which is not optional"
        for name in ("Retry-After",)
        if name in answer.get("headers", {}) and name not in response.headers
    ]
    content = answer.get("content")
    body = response.body if isinstance(response, web.Response) else None
    if not content:
        return [*faults, f"has content: {body!r}"] if body and request.method != "HEAD" else faults
    if response.content_type not in content:
        return [*faults, f"is {response.content_type}"]
    if response.content_type in JSON_TYPES and isinstance(body, bytes):
        schema = json.dumps(content[response.content_type]["schema"])
        found = _validator(schema).iter_errors(json.loads(body))
        faults += [f"at {error.json_path}: {error.message}" for error in found]
    return faults


@cache
def _validator(schema: str) -> Draft202012Validator:
    # The components are beside the schema, so that its references find them.
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
