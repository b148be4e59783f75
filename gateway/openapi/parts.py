"""The pieces that every area of the document is written in (OpenAPI Specification 3.1.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gateway.http.errors import RETRY_AFTER
from gateway.http.problems import title_of
from shared.errors import TYPE_PREFIX, CsvmillError, Unauthorized, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

Node = dict[str, Any]
"""An object of the document."""

JSON = "application/json"
PROBLEM = "application/problem+json"

ANYWHERE = (CsvmillError, Unauthorized, Unavailable)
"""What any request may be answered with that asks another part of the service."""


def ref(name: str, kind: str = "schemas") -> Node:
    """A reference to a component."""
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
    """One method of a path; `name` is the same in every version of the document."""
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
    """GET, and HEAD, which answers the same without content, but never with `head_without`."""
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
    """A part of the path, which is always required, of the query, or of the header."""
    node: Node = {"name": name, "in": where, "description": description, "schema": schema}
    if required or where == "path":
        node["required"] = True
    if example is not None:
        node["example"] = example
    return node


def json_in_query(name: str, description: str, schema: Node, *, example: object) -> Node:
    """A part of the query that is JSON."""
    content = {JSON: {"schema": schema, "example": example}}
    return {"name": name, "in": "query", "description": description, "content": content}


def header(description: str, schema: Node | None = None) -> Node:
    """A field of an answer's header."""
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
    """An answer with JSON, of which there is an example; `links` say what can be done with it."""
    node: Node = {"description": description}
    if headers:
        node["headers"] = headers
    node["content"] = {JSON: {"schema": schema, "example": example}}
    if links:
        node["links"] = links
    return {str(status): node}


def links(to: Iterable[str], parameter: str, key: str) -> Node:
    """That `key` of an answer's body is what these operations take as a part of their path."""
    return {
        name: {"operationId": name, "parameters": {parameter: f"$response.body#/{key}"}}
        for name in to
    }


def problems(*kinds: type[CsvmillError], headers: Node | None = None) -> Node:
    """How `/api/v1` answers for these errors, and for those that may happen `ANYWHERE`.

    They may have `headers` with them.
    """
    answers: Node = {}
    for status, found in _by_status((*kinds, *ANYWHERE)).items():
        node: Node = {"description": _described(found)}
        if headers:
            node["headers"] = dict(headers)
        _add_retry_after(node, status)
        node["content"] = problem_content(status, found)
        answers[str(int(status))] = node
    return answers


def problem_content(status: int, kinds: Iterable[type[CsvmillError]]) -> Node:
    """Problem details that say one of these errors."""
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
    """How everything but `/api/v1` answers for these errors, and for those of `ANYWHERE`."""
    answers: Node = {}
    for status, found in _by_status((*kinds, *ANYWHERE)).items():
        node: Node = {"description": _described(found)}
        _add_retry_after(node, status)
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


def _add_retry_after(node: Node, status: int) -> None:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        node.setdefault("headers", {})["Retry-After"] = {
            "description": "Seconds after which to repeat the request",
            "schema": {"type": "integer", "minimum": 0, "examples": [RETRY_AFTER]},
        }
