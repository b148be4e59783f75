"""Uploads without a job, their list, and how long they are kept."""

from __future__ import annotations

import io
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from tests.unit.gateway.datasets.asking import ask, sent
from tests.unit.gateway.native import BODY, SIZE, created, post, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

UPLOADS = "/api/v1/uploads"


async def listed(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    response = await gateway.client.get(f"{UPLOADS}{query}")
    assert response.status == 200, await response.text()
    found: list[dict[str, Any]] = (await response.json())["uploads"]
    return found


async def keep(gateway: Gateway, upload: str, value: object) -> dict[str, Any]:
    response = await gateway.client.put(f"{UPLOADS}/{upload}/keep", json={"keep": value})
    assert response.status == 200, await response.text()
    shown: dict[str, Any] = await response.json()
    return shown


@pytest.mark.parametrize("how", ["declared", "whole", "large"])
async def test_an_upload_without_a_job_waits_until_jobs_are_asked_of_it(
    gateway: Gateway, how: str
) -> None:
    body = BODY if how != "large" else BODY + b"a,2026-01-01,1\n" * 400_000
    if how == "declared":
        upload = await sent(gateway, job=False)
    else:
        response = await gateway.client.put(
            f"{UPLOADS}?name=plays.csv&job=false", data=io.BytesIO(body)
        )
        assert response.status == 201
        upload = (await response.json())["id"]
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload}")).json()
    assert (shown["complete"], shown["job"]) == (True, None)
    assert (await (await gateway.client.get("/api/v1/jobs")).json())["jobs"] == []
    (dataset,) = await listed(gateway)
    assert (dataset["id"], dataset["size"], dataset["jobs"]) == (upload, len(body), [])
    assert (dataset["keep"], dataset["expires_at"]) == (False, None)
    job = await (await ask(gateway, "plays.csv")).json()
    assert job["inputs"][0]["upload_id"] == upload
    (dataset,) = await listed(gateway)
    assert dataset["jobs"] == [job["id"]]


async def test_an_upload_without_a_job_that_is_sent_again_is_the_same(gateway: Gateway) -> None:
    path = f"{UPLOADS}?name=plays.csv&job=false"
    fields = {"Idempotency-Key": "k"}
    first, again = [await gateway.client.put(path, data=BODY, headers=fields) for _ in range(2)]
    assert (first.status, again.status) == (201, 201)
    assert (await again.json())["id"] == (await first.json())["id"]
    assert len(await listed(gateway)) == 1
    other = await gateway.client.put(f"{UPLOADS}?name=plays.csv", data=BODY, headers=fields)
    await problem_of(other, 422, "idempotency-key-reused")


async def test_uploads_of_every_kind_are_listed_newest_first(gateway: Gateway) -> None:
    own, alone = await sent(gateway, name="a.csv"), await sent(gateway, name="b.csv", job=False)
    await created(gateway, name="incomplete.csv")
    job = (await (await gateway.client.get(f"{UPLOADS}/{own}")).json())["job"].rpartition("/")[2]
    found = await listed(gateway)
    assert [each["id"] for each in found] == [alone, own]
    assert found[1] == {
        "id": own,
        "name": "a.csv",
        "size": SIZE,
        "sha256": None,
        "created_at": found[1]["created_at"],
        "keep": False,
        "expires_at": None,
        "jobs": [job],
    }
    assert [each["id"] for each in await listed(gateway, "?name=a.csv")] == [own]
    # When it is asked and kept, it stays where it is in the list.
    asked = (await (await ask(gateway, own)).json())["id"]
    assert (await keep(gateway, own, value=True))["jobs"] == [asked, job]
    assert [each["id"] for each in await listed(gateway)] == [alone, own]


async def test_a_list_of_uploads_continues_at_its_next_page(gateway: Gateway) -> None:
    ids = [await sent(gateway, job=bool(n % 2)) for n in range(5)]
    found, url = [], f"{UPLOADS}?limit=2"
    while url:
        response = await gateway.client.get(url)
        page = await response.json()
        found += [each["id"] for each in page["uploads"]]
        url = page["next"]
        assert ("Link" in response.headers) == bool(url)
    assert found == ids[::-1]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "cursor=x", "nothing=1", "name=a&name=b"]
)
async def test_a_malformed_query_is_refused(gateway: Gateway, query: str) -> None:
    await problem_of(await gateway.client.get(f"{UPLOADS}?{query}"), 400, "invalid-input")


@pytest.mark.parametrize("by", ["request", "url", "declaration"])
async def test_an_upload_is_kept_for_seconds(gateway: Gateway, by: str) -> None:
    started = time.time()
    if by == "request":
        upload = await sent(gateway)
        assert (await keep(gateway, upload, 1000))["keep"]
    elif by == "declaration":
        upload = await sent(gateway, keep=1000)
    else:
        answer = await gateway.client.put(f"{UPLOADS}?name=plays.csv&keep=1000", data=BODY)
        upload = (await answer.json())["id"]
        assert (await answer.json())["job"] is not None
    (dataset,) = await listed(gateway)
    until = datetime.fromisoformat(dataset["expires_at"]).timestamp()
    assert (dataset["id"], dataset["keep"]) == (upload, True)
    assert started + 999 <= until <= time.time() + 1000
    needed = await gateway.jobs.datasets.needed([UUID(upload)], now=until - 1)
    assert needed == {UUID(upload)}


async def test_an_upload_is_kept_until_it_is_deleted_or_not_at_all(gateway: Gateway) -> None:
    upload = await sent(gateway, job=False)
    assert (await keep(gateway, upload, value=True))["expires_at"] is None
    assert await gateway.jobs.datasets.needed([UUID(upload)], now=1e12) == {UUID(upload)}
    assert not (await keep(gateway, upload, value=False))["keep"]
    assert await gateway.jobs.datasets.needed([UUID(upload)], now=time.time()) == frozenset()


async def test_cancelling_the_job_of_an_upload_that_is_kept_leaves_its_bytes(
    gateway: Gateway,
) -> None:
    upload = await sent(gateway, keep=True)
    job = (await (await gateway.client.get(f"{UPLOADS}/{upload}")).json())["job"]
    await gateway.client.delete(job)
    assert await gateway.content(upload_key(UUID(upload))) == BODY
    assert [each["id"] for each in await listed(gateway)] == [upload]


async def test_deleting_an_upload_removes_it_from_the_list_though_it_is_kept(
    gateway: Gateway,
) -> None:
    for job in (False, True):
        upload = await sent(gateway, keep=True, job=job)
        assert (await gateway.client.delete(f"{UPLOADS}/{upload}")).status == 204
        assert await listed(gateway) == []
        response = await gateway.client.put(f"{UPLOADS}/{upload}/keep", json={"keep": True})
        await problem_of(response, 404, "upload-not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keep": None},
        {"keep": 0},
        {"keep": -1},
        {"keep": "x"},
        {"keep": 1.5},
        {"keep": 10**30},
        {"keep": True, "x": 1},
    ],
)
async def test_a_malformed_time_to_keep_is_refused(gateway: Gateway, body: object) -> None:
    upload = await sent(gateway)
    response = await gateway.client.put(f"{UPLOADS}/{upload}/keep", json=body)
    await problem_of(response, 400, "invalid-input")


async def test_an_incomplete_upload_is_not_kept(gateway: Gateway) -> None:
    path = await created(gateway)
    await put(gateway, path, 0, BODY[:9])
    response = await gateway.client.put(f"{path}/keep", json={"keep": True})
    await problem_of(response, 409, "upload-incomplete")


@pytest.mark.parametrize(
    "fields",
    [
        {"job": False, "fail_early": True},
        {"job": False, "aggregation": {"group_by": ["a"], "aggregates": []}},
        {"job": 0},
        {"keep": "always"},
    ],
)
async def test_a_contradictory_declaration_is_refused(
    gateway: Gateway, fields: dict[str, Any]
) -> None:
    await problem_of(await post(gateway, **fields), 400, "invalid-input")


async def test_bytes_of_an_upload_count_once_towards_the_quota(gateway: Gateway) -> None:
    quotas = gateway.jobs.access.quotas
    own, alone = await sent(gateway), await sent(gateway, job=False)
    for upload in (own, alone, own):
        await ask(gateway, upload)
    usage = await quotas.usage_of(gateway.tenant, most_waiting=99)
    assert (usage.stored, usage.reserved, usage.uploads) == (2 * SIZE, 0, 0)
    # Of the upload, whose job is gone, another job needs the bytes.
    job = (await (await gateway.client.get(f"{UPLOADS}/{own}")).json())["job"]
    await gateway.client.delete(job)
    usage = await quotas.usage_of(gateway.tenant, most_waiting=99)
    assert usage.stored == 2 * SIZE
