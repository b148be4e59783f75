"""Builders for the nodes of the document (OpenAPI Specification 3.1.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gateway.http.errors import CHALLENGE, RETRY_AFTER, RETRYABLE
from gateway.http.problems import title_of
from shared.errors import (
    TYPE_PREFIX,
    CsvmillError,
    JobDelayed,
    NotAuthenticated,
    OriginRefused,
    QuotaExceeded,
    ScopeMissing,
    TooBusy,
    TooManyJobs,
    TooManyRequests,
    TooManyUnknownKeys,
    TooManyUploads,
    Unauthorized,
    Unavailable,
    UnknownHost,
    UnsupportedMedia,
)
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Iterable

Node = dict[str, Any]
"""An object of the document."""

JSON = "application/json"
PROBLEM = "application/problem+json"

REFUSALS = (
    NotAuthenticated,
    OriginRefused,
    ScopeMissing,
    TooManyRequests,
    TooManyUnknownKeys,
    UnknownHost,
    UnsupportedMedia,
)
"""Errors of every request but the checks of health: it is refused by its header."""
QUOTA = (JobDelayed, QuotaExceeded, TooManyJobs, TooManyUploads)
"""Errors of requests that send or declare a file."""
ANYWHERE = (*REFUSALS, CsvmillError, TooBusy, Unauthorized, Unavailable)
"""Errors of every request that needs storage, the database or the broker."""


ENGINE: Node = {
    "type": "string",
    "enum": [*map(str, EngineChoice)],
    "default": str(EngineChoice.AUTO),
    "description": "Where the job is to be computed: `spark` on the cluster of the processors, if "
    "there is one, whatever the size; `local` never there. The result is the same",
}


def ref(name: str, kind: str = "schemas") -> Node:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def operation(
    name: str,
    summary: str,
    *,
    tag: str,
    answers: Node,
    description: str = "",
    parameters: Iterable[Node] = (),
    body: Node | None = None,
) -> Node:
    """Return an operation; `name` is the same in every version of the document."""
    node: Node = {"operationId": name, "tags": [tag], "summary": summary}
    if description:
        node["description"] = description
    if found := list(parameters):
        node["parameters"] = found
    if body is not None:
        node["requestBody"] = body
    node["responses"] = dict(sorted(answers.items()))
    return node


def reading(get: Node, *, head_without: tuple[str, ...] = ()) -> Node:
    """Return GET and HEAD, which answers without content, and never with `head_without`."""
    head = {
        **get,
        "operationId": f"{get['operationId']}Head",
        "summary": f"{get['summary']}: the header only",
        "responses": {
            status: {key: value for key, value in answer.items() if key != "content"}
            for status, answer in get["responses"].items()
            if status not in head_without
        },
    }
    return {"get": get, "head": head}


def parameter(
    name: str,
    where: str,
    description: str,
    schema: Node,
    *,
    required: bool = False,
    example: object = None,
) -> Node:
    """Return a parameter of the path, where it is always required, the query, or the header."""
    node: Node = {"name": name, "in": where, "description": description, "schema": schema}
    if required or where == "path":
        node["required"] = True
    if example is not None:
        node["example"] = example
    return node


FINISHED: Node = parameter(
    "finished",
    "query",
    "`keep` answers 409 instead of deleting a job that has succeeded or failed",
    {"enum": ["delete", "keep"], "default": "delete"},
)


def json_in_query(name: str, description: str, schema: Node, *, example: object) -> Node:
    """Return a parameter of the query that is JSON."""
    content = {JSON: {"schema": schema, "example": example}}
    return {"name": name, "in": "query", "description": description, "content": content}


def header(description: str, schema: Node | None = None) -> Node:
    """Return a field of an answer's header."""
    return {"description": description, "schema": schema or {"type": "string"}}


def json_answer(
    status: int,
    description: str,
    schema: Node,
    *,
    example: object,
    headers: Node | None = None,
    links: Node | None = None,
) -> Node:
    """Return a JSON answer with an example, and `links` to operations that use it."""
    node: Node = {"description": description}
    if headers:
        node["headers"] = headers
    node["content"] = {JSON: {"schema": schema, "example": example}}
    if links:
        node["links"] = links
    return {str(status): node}


def links(to: Iterable[str], parameter: str, key: str) -> Node:
    """Return links to operations whose path parameter is `key` of the answer's body."""
    return {
        name: {"operationId": name, "parameters": {parameter: f"$response.body#/{key}"}}
        for name in to
    }


def problems(*kinds: type[CsvmillError], headers: Node | None = None) -> Node:
    """Return the answers of `/api/v1` for these errors and those of `ANYWHERE`.

    `headers` are the header fields that they may have.
    """
    answers: Node = {}
    for status, found in _by_status((*kinds, *ANYWHERE)).items():
        node: Node = {"description": _described(found)}
        if headers:
            node["headers"] = dict(headers)
        _add_fields(node, status)
        node["content"] = problem_content(status, found)
        answers[str(int(status))] = node
    return answers


def problem_content(status: int, kinds: Iterable[type[CsvmillError]]) -> Node:
    """Return the content of an answer: the problem details of one of these errors."""
    titles = {kind.problem_type: title_of(kind, status) for kind in kinds}
    return {
        PROBLEM: {
            "schema": {
                "allOf": [ref("ProblemDetails")],
                "properties": {"type": {"enum": sorted(titles)}, "status": {"const": int(status)}},
            },
            "examples": {
                type_.removeprefix(TYPE_PREFIX).rpartition("#")[2]: {
                    "value": {"type": type_, "title": title, "status": int(status)}
                }
                for type_, title in titles.items()
            },
        }
    }


def errors(*kinds: type[CsvmillError]) -> Node:
    """Return the answers outside of `/api/v1` for these errors and those of `ANYWHERE`."""
    return _plain((*kinds, *ANYWHERE))


def refusals() -> Node:
    """Return the answers outside of `/api/v1` for the errors of `REFUSALS`."""
    return _plain(REFUSALS)


def _plain(kinds: Iterable[type[CsvmillError]]) -> Node:
    answers: Node = {}
    for status, found in _by_status(kinds).items():
        node: Node = {"description": _described(found)}
        _add_fields(node, status)
        node["content"] = {
            JSON: {
                "schema": ref("Error"),
                "example": {"status": "error", "message": summary_of(found[0])},
            }
        }
        answers[str(int(status))] = node
    return answers


def _by_status(kinds: Iterable[type[CsvmillError]]) -> dict[int, list[type[CsvmillError]]]:
    found: dict[int, list[type[CsvmillError]]] = {}
    for kind in kinds:
        found.setdefault(kind.status, []).append(kind)
    return found


def _described(kinds: Iterable[type[CsvmillError]]) -> str:
    return " Or: ".join(dict.fromkeys(summary_of(kind) for kind in kinds))


def summary_of(kind: type[CsvmillError]) -> str:
    """Return the first line of an error's docstring; without docstrings (`-OO`) its title."""
    return (kind.__doc__ or title_of(kind, kind.status)).partition("\n")[0]


def _add_fields(node: Node, status: int) -> None:
    if status == HTTPStatus.UNAUTHORIZED:
        node.setdefault("headers", {})["WWW-Authenticate"] = header(
            "How to authenticate (RFC 6750)", {"type": "string", "examples": [CHALLENGE]}
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        fields = node.setdefault("headers", {})
        for name, example in (
            ("RateLimit-Policy", '"requests";q=100;w=10'),
            ("RateLimit", '"requests";r=0;t=10'),
        ):
            fields[name] = header(
                "Of tenants with a limit of requests (draft-ietf-httpapi-ratelimit-headers-10), on "
                "every response",
                {"type": "string", "examples": [example]},
            )
    if status in RETRYABLE:
        node.setdefault("headers", {})["Retry-After"] = {
            "description": "Seconds after which to repeat the request",
            "schema": {"type": "integer", "minimum": 0, "examples": [RETRY_AFTER]},
        }
