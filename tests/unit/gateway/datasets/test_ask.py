"""`POST /api/v1/jobs`: jobs of uploads that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from shared.jobs.job import JobState
from tests.unit.gateway.datasets.asking import COUNT, JOBS, ask, sent
from tests.unit.gateway.native import BODY, created, put, sha256
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


async def test_a_job_is_asked_of_an_upload_that_has_its_own(gateway: Gateway) -> None:
    upload = await sent(gateway)
    response = await ask(gateway, upload)
    shown = await response.json()
    assert (response.status, shown["state"]) == (201, "PENDING")
    assert response.headers["Location"] == f"{JOBS}/{shown['id']}"
    assert shown["inputs"] == [
        {"upload_id": upload, "name": "plays.csv", "size": len(BODY), "sha256": None, "url": None}
    ]
    assert (shown["filename"], shown["input_size"]) == ("plays.csv", len(BODY))
    assert shown["aggregation"]["group_by"] == ["Song"]
    job = await gateway.jobs.get(UUID(shown["id"]))
    assert job.published_at is not None
    assert job.upload_id is None
    assert (await (await gateway.client.get(response.headers["Location"])).json()) == {
        **shown,
        "published_at": (await (await gateway.client.get(response.headers["Location"])).json())[
            "published_at"
        ],
    }


@pytest.mark.parametrize("named", ["name", "key", "object"])
async def test_an_upload_is_found_by_its_names(gateway: Gateway, named: str) -> None:
    path = await created(gateway, "a-key", name="other.csv")
    await put(gateway, path, 0, BODY)
    await sent(gateway)
    given = {"name": "other.csv", "key": "a-key", "object": {"upload": "other.csv"}}[named]
    response = await ask(gateway, given)
    assert response.status == 201
    assert (await response.json())["inputs"][0]["upload_id"] == path.rpartition("/")[2]


async def test_of_uploads_with_equal_digests_a_name_stands_for_the_newest(
    gateway: Gateway,
) -> None:
    digest = sha256(BODY)
    await sent(gateway, sha256=digest)
    newest = await sent(gateway, sha256=digest)
    response = await ask(gateway, "plays.csv")
    assert (await response.json())["inputs"][0]["upload_id"] == newest


async def test_a_name_of_uploads_that_may_differ_is_refused_with_their_ids(
    gateway: Gateway,
) -> None:
    ids = [await sent(gateway), await sent(gateway, sha256=sha256(BODY))]
    problem = await problem_of(await ask(gateway, "plays.csv"), 409, "ambiguous-name")
    assert all(each in problem["detail"] for each in ids)


async def test_the_same_request_with_the_same_key_returns_the_same_job(gateway: Gateway) -> None:
    upload = await sent(gateway)
    first = await ask(gateway, upload, key="k", name="mine")
    again = await gateway.client.post(
        JOBS,
        json={"name": "mine", "aggregation": COUNT, "inputs": [upload]},
        headers={"Idempotency-Key": '"k"'},
    )
    assert (first.status, again.status) == (201, 200)
    shown, repeated = await first.json(), await again.json()
    assert (repeated["id"], repeated["filename"]) == (shown["id"], "mine")
    other = await ask(gateway, upload, key="k", name="other")
    await problem_of(other, 422, "idempotency-key-reused")


async def test_a_spec_that_does_not_fit_the_file_is_refused_and_no_job_created(
    gateway: Gateway,
) -> None:
    upload = await sent(gateway)
    before = (await (await gateway.client.get(JOBS)).json())["jobs"]
    response = await ask(gateway, upload, aggregation={**COUNT, "group_by": ["Nobody"]})
    problem = await problem_of(response, 422, "spec-mismatch")
    assert "Nobody" in problem["detail"]
    assert "plays.csv" in problem["detail"]
    assert (await (await gateway.client.get(JOBS)).json())["jobs"] == before


async def test_an_unknown_or_incomplete_upload_is_refused(gateway: Gateway) -> None:
    await problem_of(await ask(gateway, str(uuid4())), 404, "upload-not-found")
    await problem_of(await ask(gateway, "nothing.csv"), 404, "upload-not-found")
    path = await created(gateway)
    await put(gateway, path, 0, BODY[:9])
    await problem_of(await ask(gateway, path.rpartition("/")[2]), 409, "upload-incomplete")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": "plays.csv"}, "inputs"),
        ({"inputs": [7]}, "inputs[0]"),
        ({"inputs": [{"upload": None}]}, "inputs[0].upload"),
        ({"inputs": ["x"] * 1001}, "inputs"),
        ({"aggregation": None}, "aggregation"),
        ({"aggregation": {}}, "aggregation"),
        ({"cache": 1}, "cache"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"nothing": 1}, "nothing"),
    ],
)
async def test_a_malformed_request_is_refused(
    gateway: Gateway, change: dict[str, Any], field: str
) -> None:
    body = {"inputs": ["plays.csv"], "aggregation": COUNT, **change}
    problem = await problem_of(await gateway.client.post(JOBS, json=body), 400, "invalid-input")
    assert problem["field"].startswith(field)


async def test_cancelling_a_job_that_was_asked_for_keeps_the_upload(gateway: Gateway) -> None:
    upload = await sent(gateway)
    shown = await (await ask(gateway, upload)).json()
    response = await gateway.client.delete(f"{JOBS}/{shown['id']}")
    assert (await response.json())["state"] == JobState.REVOKED
    assert (await ask(gateway, upload)).status == 201


async def test_cancelling_the_job_of_an_upload_keeps_it_for_other_jobs(gateway: Gateway) -> None:
    upload = await sent(gateway)
    own = (await (await gateway.client.get(f"/api/v1/uploads/{upload}")).json())["job"]
    await ask(gateway, upload)
    assert (await gateway.client.delete(own)).status == 200
    assert (await ask(gateway, upload)).status == 201


async def test_an_upload_that_a_job_reads_is_deleted_only_when_that_has_ended(
    gateway: Gateway,
) -> None:
    upload = await sent(gateway)
    shown = await (await ask(gateway, upload)).json()
    path = f"/api/v1/uploads/{upload}"
    await problem_of(await gateway.client.delete(path), 409, "upload-in-use")
    own = (await (await gateway.client.get(path)).json())["job"]
    assert (await (await gateway.client.get(own)).json())["state"] == "PENDING"
    await gateway.client.delete(f"{JOBS}/{shown['id']}")
    assert (await gateway.client.delete(path)).status == 204
    await problem_of(await ask(gateway, upload), 404, "upload-not-found")
