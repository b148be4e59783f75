"""`/api/v1/specs`, and jobs and uploads that name a saved spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.access.principal import Scope
from tests.unit.gateway.access.keys import bearer, stored_key
from tests.unit.gateway.native import BODY, created, post, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway, Start

SPECS = "/api/v1/specs"
UPLOADS = "/api/v1/uploads"
COUNT = {"group_by": ["Song"], "aggregates": [{"function": "count"}]}
SUM = {"group_by": ["Song"], "aggregates": [{"function": "sum", "column": "Number of Plays"}]}


async def save(
    gateway: Gateway, spec: dict[str, Any], name: str = "plays", **headers: str
) -> ClientResponse:
    fields = {field.replace("_", "-"): value for field, value in headers.items()}
    return await gateway.client.put(f"{SPECS}/{name}", json=spec, headers=fields)


async def saved(gateway: Gateway, spec: dict[str, Any], name: str = "plays") -> str:
    """Save a spec; return its tag."""
    response = await save(gateway, spec, name)
    assert response.status in (200, 201), await response.text()
    return response.headers["ETag"]


async def test_a_spec_is_saved_shown_replaced_and_deleted(gateway: Gateway) -> None:
    response = await save(gateway, COUNT)
    assert response.status == 201
    assert response.headers["Location"] == f"{SPECS}/plays"
    first = await response.json()
    assert first["name"] == "plays"
    assert first["aggregation"]["aggregates"] == [{"function": "count"}]
    shown = await gateway.client.get(f"{SPECS}/plays")
    assert await shown.json() == first
    assert shown.headers["ETag"] == response.headers["ETag"]
    again = await save(gateway, first["aggregation"])
    assert again.status == 200
    assert (await again.json())["aggregation"] == first["aggregation"]
    listed = await (await gateway.client.get(SPECS)).json()
    assert [(each["name"], each["etag"]) for each in listed["specs"]] == [
        ("plays", again.headers["ETag"])
    ]
    assert (await gateway.client.delete(f"{SPECS}/plays")).status == 204
    await problem_of(await gateway.client.get(f"{SPECS}/plays"), 404, "spec-not-found")
    await problem_of(await gateway.client.delete(f"{SPECS}/plays"), 404, "spec-not-found")


async def test_what_somebody_else_has_saved_since_is_not_overwritten(gateway: Gateway) -> None:
    mine = await saved(gateway, COUNT)
    theirs = await saved(gateway, SUM)
    await problem_of(await save(gateway, COUNT, If_Match=mine), 412, "precondition-failed")
    weak = await save(gateway, COUNT, If_Match=f"W/{theirs}")
    await problem_of(weak, 412, "precondition-failed")
    refused = await gateway.client.delete(f"{SPECS}/plays", headers={"If-Match": mine})
    await problem_of(refused, 412, "precondition-failed")
    assert (await save(gateway, COUNT, If_Match=f"{mine}, {theirs}")).status == 200


async def test_one_may_be_demanded_to_be_new_or_to_exist(gateway: Gateway) -> None:
    await problem_of(await save(gateway, COUNT, If_Match="*"), 412, "precondition-failed")
    assert (await save(gateway, COUNT, If_None_Match="*")).status == 201
    await problem_of(await save(gateway, COUNT, If_None_Match="*"), 412, "precondition-failed")
    assert (await save(gateway, COUNT, If_Match="*")).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "plays"}, {"If-None-Match": '"a"'}, {"If-Match": "*", "If-None-Match": "*"}],
)
async def test_a_precondition_that_is_none_is_refused(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    response = await gateway.client.put(f"{SPECS}/plays", json=COUNT, headers=headers)
    await problem_of(response, 400, "invalid-input")


async def test_a_spec_that_a_client_has_is_not_sent_again(gateway: Gateway) -> None:
    tag = await saved(gateway, COUNT)
    response = await gateway.client.get(f"{SPECS}/plays", headers={"If-None-Match": tag})
    assert (response.status, await response.read()) == (304, b"")
    assert response.headers["ETag"] == tag
    head = await gateway.client.head(f"{SPECS}/plays")
    assert (head.status, head.headers["ETag"]) == (200, tag)


@pytest.mark.parametrize("tags", ['"a"', "", "plays"])
async def test_a_spec_without_the_demanded_tag_is_a_problem(gateway: Gateway, tags: str) -> None:
    tag = await saved(gateway, COUNT)
    path = f"{SPECS}/plays"
    refused = await gateway.client.get(path, headers={"If-Match": tags})
    await problem_of(refused, 412, "precondition-failed")
    assert (await gateway.client.head(path, headers={"If-Match": tags})).status == 412
    assert (await gateway.client.get(path, headers={"If-Match": f'"a", {tag}'})).status == 200


@pytest.mark.parametrize("name", ["-a", ".", "a%20b", "%2e%2e", "a" * 101, "%C3%A4"])
async def test_a_name_that_is_none_is_refused(gateway: Gateway, name: str) -> None:
    response = await save(gateway, COUNT, name)
    assert response.status in (400, 404, 405)
    response = await gateway.client.get(f"{SPECS}/{name}")
    assert response.status in (200, 404)  # `.` is the list
    assert (await (await gateway.client.get(SPECS)).json()) == {"specs": []}


@pytest.mark.parametrize("spec", [{"group_by": 1}, {"colour": "red"}, {"aggregates": []}])
async def test_what_is_no_spec_is_refused_with_its_path(
    gateway: Gateway, spec: dict[str, Any]
) -> None:
    problem = await problem_of(await save(gateway, spec), 400, "invalid-input")
    assert problem["field"].startswith("spec")


async def test_a_job_is_asked_for_by_the_name_of_a_spec_and_keeps_what_that_was(
    gateway: Gateway,
) -> None:
    await saved(gateway, COUNT)
    path = await created(gateway)
    await put(gateway, path, 0, BODY)
    asked = {"inputs": [path.rpartition("/")[2]], "aggregation": "plays"}
    response = await gateway.client.post("/api/v1/jobs", json=asked)
    assert response.status == 201, await response.text()
    shown = await response.json()
    await saved(gateway, SUM)
    await gateway.client.delete(f"{SPECS}/plays")
    again = await (await gateway.client.get(response.headers["Location"])).json()
    for each in (shown, again):
        assert each["spec_name"] == "plays"
        assert each["aggregation"]["aggregates"] == [{"function": "count"}]
    response = await gateway.client.post("/api/v1/jobs", json=asked)
    await problem_of(response, 404, "spec-not-found")


async def test_an_upload_is_declared_with_the_name_of_a_spec(gateway: Gateway) -> None:
    await saved(gateway, COUNT)
    path = await created(gateway, "key", aggregation="plays")
    await saved(gateway, SUM)
    # A repeated request is the same one, although the spec has changed.
    assert await created(gateway, "key", aggregation="plays") == path
    response = await put(gateway, path, 0, BODY)
    job = await gateway.jobs.get(UUID(response.headers["Csvmill-Job"].rpartition("/")[2]))
    assert job.spec_name == "plays"
    assert [each.function for each in job.aggregation.aggregates] == ["count"]
    assert await created(gateway, "key", aggregation="plays") == path
    for other in (COUNT, ..., "other"):
        await saved(gateway, COUNT, "other")
        response = await post(gateway, "key", aggregation=other)
        await problem_of(response, 422, "idempotency-key-reused")


@pytest.mark.parametrize("name", ["plays", "no name", "x" * 10_000, ""])
async def test_a_name_under_which_no_spec_is_saved_is_refused(gateway: Gateway, name: str) -> None:
    await problem_of(await post(gateway, aggregation=name), 404, "spec-not-found")


@pytest.mark.parametrize("given", ["plays", '"plays"', " plays "], ids=["plain", "json", "blanks"])
@pytest.mark.parametrize("has_length", [True, False])
async def test_the_url_of_a_file_names_a_spec(
    gateway: Gateway, given: str, has_length: bool
) -> None:
    await saved(gateway, COUNT)
    body = BODY if has_length else _pieces()
    response = await gateway.client.put(UPLOADS, params={"name": "a.csv", "spec": given}, data=body)
    assert response.status == 201, await response.text()
    job = await gateway.jobs.get(UUID(response.headers["Csvmill-Job"].rpartition("/")[2]))
    assert job.spec_name == "plays"
    assert [each.function for each in job.aggregation.aggregates] == ["count"]


async def _pieces() -> AsyncIterator[bytes]:
    yield BODY


async def test_the_url_of_a_declaration_names_a_spec_unless_the_body_has_one(
    gateway: Gateway,
) -> None:
    await saved(gateway, COUNT)
    url = f"{UPLOADS}?spec=plays"
    expected = [(None, "plays", "count"), (SUM, None, "sum")]
    for aggregation, name, function in expected:
        declared = {"name": "a.csv", "size": len(BODY), "aggregation": aggregation}
        response = await gateway.client.post(url, json=declared)
        assert response.status == 201, await response.text()
        response = await put(gateway, response.headers["Location"], 0, BODY)
        job = await gateway.jobs.get(UUID(response.headers["Csvmill-Job"].rpartition("/")[2]))
        assert job.spec_name == name
        assert [each.function for each in job.aggregation.aggregates] == [function]


async def test_a_repeated_file_of_a_named_spec_is_the_same_upload_after_the_spec_has_changed(
    gateway: Gateway,
) -> None:
    url, headers = f"{UPLOADS}?name=a.csv&spec=plays", {"Idempotency-Key": '"key"'}
    await saved(gateway, COUNT)
    first = await gateway.client.put(url, data=BODY, headers=headers)
    await saved(gateway, SUM)
    again = await gateway.client.put(url, data=BODY, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Csvmill-Job"] == first.headers["Csvmill-Job"]


@pytest.mark.parametrize("name", ["plays", "no name", '"plays"', "5", "x" * 1000])
async def test_a_url_with_a_name_under_which_no_spec_is_saved_is_refused(
    gateway: Gateway, name: str
) -> None:
    query = {"name": "a.csv", "spec": name}
    refused = await gateway.client.put(UPLOADS, params=query, data=BODY)
    await problem_of(refused, 404, "spec-not-found")
    declared = {"name": "a.csv", "size": 1}
    refused = await gateway.client.post(UPLOADS, params={"spec": name}, json=declared)
    await problem_of(refused, 404, "spec-not-found")


@pytest.mark.parametrize("spec", ["{", "[]", '"plays', "{}x"])
async def test_a_url_with_what_is_neither_a_spec_nor_a_name_is_refused(
    gateway: Gateway, spec: str
) -> None:
    await saved(gateway, COUNT)
    refused = await gateway.client.put(UPLOADS, params={"name": "a.csv", "spec": spec}, data=BODY)
    problem = await problem_of(refused, 400, "invalid-input")
    assert problem["field"] == "spec"


async def test_an_upload_without_a_job_names_no_spec_in_its_url(gateway: Gateway) -> None:
    await saved(gateway, COUNT)
    query = {"name": "a.csv", "spec": "plays", "job": "false"}
    refused = await gateway.client.put(UPLOADS, params=query, data=BODY)
    assert (await problem_of(refused, 400, "invalid-input"))["field"] == "job"


async def test_specs_belong_to_a_tenant_and_need_the_scopes_of_uploads(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(auth="keys")
    writer = bearer(await stored_key(gateway, Scope.UPLOAD))
    reader = bearer(await stored_key(gateway, Scope.READ))
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    other = bearer(await stored_key(gateway, tenant="other"))
    path = f"{SPECS}/plays"
    assert (await gateway.client.put(path, json=COUNT, headers=reader)).status == 403
    assert (await gateway.client.put(path, json=COUNT, headers=writer)).status == 201
    for headers, status in ((writer, 200), (reader, 200), (admin, 403), (other, 404)):
        assert (await gateway.client.get(path, headers=headers)).status == status
    assert (await gateway.client.delete(path, headers=reader)).status == 403
    assert (await gateway.client.delete(path, headers=other)).status == 404
    declared = {"name": "a.csv", "size": 1, "aggregation": "plays"}
    refused = await gateway.client.post("/api/v1/uploads", json=declared, headers=other)
    await problem_of(refused, 404, "spec-not-found")
