"""The OpenAPI document describes exactly the API; see also `described`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.openapi.document import DOCUMENT
from gateway.routes import routes
from shared.errors import IANA_PREFIX, TYPE_PREFIX, CsvmillError, error_classes
from shared.jobs.job import JobState
from tests.unit.gateway.datasets.asking import ask, sent
from tests.unit.gateway.described import Described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.gateway.conftest import Gateway

METHODS = {"delete", "get", "head", "options", "patch", "post", "put"}
OPERATIONS = {
    (method, path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
ERRORS = error_classes().values()
PROBLEMS = sorted({kind.problem_type for kind in ERRORS} - {CsvmillError.problem_type})


def nodes(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document with its path."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{path}/{index}")


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_exactly_the_routes_are_described() -> None:
    app = web.Application()
    app.add_routes(routes({}))
    there = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource
    }
    assert set(OPERATIONS) == there


def test_every_operation_has_a_unique_name_and_a_described_tag() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == tags


def test_every_parameter_of_a_path_is_described() -> None:
    for (_, path), operation in OPERATIONS.items():
        described = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
        assert described == re.findall(r"{(\w+)}", path)


def test_every_example_fits_its_schema() -> None:
    seen = 0
    for path, node in nodes(DOCUMENT):
        if path.endswith("/properties"):
            continue  # their names may be those of keywords
        shown = [node["example"]] if "example" in node else []
        examples = node.get("examples", [])
        if isinstance(examples, dict) and "schema" in node:
            shown += [example["value"] for example in examples.values()]
        elif isinstance(examples, list):
            shown += examples
        schema = node.get("schema", node if "type" in node else None)
        for example in shown:
            assert schema, f"{path} has an example and no schema"
            root = {**schema, "components": DOCUMENT["components"]}
            faults = Draft202012Validator(root).iter_errors(example)
            assert [fault.message for fault in faults] == [], path
            seen += 1
    assert seen > 50


def test_every_json_body_has_an_example() -> None:
    missing = [
        path
        for path, node in nodes(DOCUMENT["paths"])
        if path.endswith(("content/application/json", "content/application/problem+json"))
        and not {"example", "examples"} & node.keys()
        and "/openapi.json/" not in path
    ]
    assert missing == []


async def test_an_example_of_a_job_is_as_the_operation_answers_it(gateway: Gateway) -> None:
    upload = await sent(gateway, job=False)
    asked = await (await ask(gateway, upload)).json()
    job = await gateway.started_job()
    now = time.time()
    await gateway.jobs.fail(job.id, job.attempt, "it crashed", final=False, now=now, retry_at=now)
    cancelled = await (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).json()
    for real, operation, status in (
        (asked, OPERATIONS["post", "/api/v1/jobs"], "201"),
        (cancelled, OPERATIONS["delete", "/api/v1/jobs/{job_id}"], "200"),
    ):
        example = operation["responses"][status]["content"]["application/json"]["example"]
        same = ("state", "attempt", "max_attempts", "result", "report", "problems")
        assert {key: example[key] for key in same} == {key: real[key] for key in same}
        outcomes = [each["outcome"] for each in example["attempts"]]
        assert outcomes == [each["outcome"] for each in real["attempts"]]
        assert (example["reason"], example["finished_at"] is None) == (
            real["reason"],
            real["finished_at"] is None,
        )


def test_the_size_that_an_example_declares_is_that_of_its_answer() -> None:
    operation = OPERATIONS["patch", "/api/v1/uploads/{upload}"]
    declared = operation["requestBody"]["content"]["application/json"]["example"]
    for status in ("200", "201"):
        answer = operation["responses"][status]["content"]["application/json"]["example"]
        assert answer["size"] == declared["size"]


def test_every_link_has_the_parameters_of_its_operation() -> None:
    takes = {
        operation["operationId"]: {p["name"] for p in operation.get("parameters", ())}
        for operation in OPERATIONS.values()
    }
    found = [
        (link["operationId"], set(link["parameters"]))
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert found
    assert [link for link in found if not link[1] <= takes.get(link[0], set())] == []


def test_every_component_is_used() -> None:
    used = {node["$ref"] for _, node in nodes(DOCUMENT) if "$ref" in node}
    used |= {
        f"#/components/securitySchemes/{name}"
        for operation in OPERATIONS.values()
        for entry in operation["security"]
        for name in entry
    }
    components = DOCUMENT["components"]
    there = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    assert there == used


def test_every_problem_type_is_an_answer_of_some_operation_with_its_status() -> None:
    described: dict[str, set[str]] = {}
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/problem+json", {})
            for example in content.get("examples", {}).values():
                described.setdefault(example["value"]["type"], set()).add(status)
    described.pop("about:blank")
    assert sorted(described) == PROBLEMS
    table = (Path(__file__).parents[4] / "docs/api.md").read_text()
    kinds = f"(?:{TYPE_PREFIX}|{IANA_PREFIX})"
    listed = dict(re.findall(rf"^\| `({kinds}[\w-]+)` \| (\d+) \|", table, re.MULTILINE))
    assert {type_: {status} for type_, status in listed.items()} == described


def test_every_status_of_an_error_is_an_answer_of_some_operation() -> None:
    described = {int(status) for op in OPERATIONS.values() for status in op["responses"]}
    assert {kind.status for kind in ERRORS} <= described


def test_every_state_of_a_job_is_described() -> None:
    state = DOCUMENT["components"]["schemas"]["JobState"]
    assert state["enum"] == [each.value for each in JobState]
    for each in JobState:
        assert f"`{each.value}`: " in state["description"]


async def test_the_document_is_served(gateway: Gateway) -> None:
    response = await gateway.client.get("/openapi.json")
    assert response.status == 200
    assert response.content_type == "application/json"
    assert await response.json() == DOCUMENT


@pytest.mark.parametrize(
    ("status", "body", "content_type", "fault"),
    [
        (202, b"{}", "application/json", "202 is not described"),
        (200, b"{}", "application/json", "200 at $: 'job_id' is a required property"),
        (200, b"hello", "text/plain", "200 is text/plain"),
        (503, b'{"status": "error", "message": ""}', "application/json", "503 has no Retry-After"),
    ],
)
async def test_an_undescribed_answer_is_reported(
    aiohttp_client: Any, status: int, body: bytes, content_type: str, fault: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type=content_type)

    described = Described()
    app = web.Application(middlewares=[described.middleware])
    app.router.add_get("/api/file_status/{job_id}", answer)
    client = await aiohttp_client(app)
    await client.get("/api/file_status/1")
    assert described.faults
    assert described.faults[0].startswith(f"GET /api/file_status/1: {fault}")
