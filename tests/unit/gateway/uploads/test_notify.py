"""Uploads whose jobs are told to URLs, by each protocol, and by the API key that creates them."""

from __future__ import annotations

import base64
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.access.audit import Action, AuditEntry
from shared.access.principal import Scope
from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.access.webhook_secrets import new_secret
from tests.unit.gateway.access.keys import ACME, bearer, stored_key
from tests.unit.gateway.conftest import dropzone_form
from tests.unit.gateway.native import BODY, SIZE, created, post, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway, Start

URL = "https://hooks.example/path?token=hidden"
OTHER = "https://other.example/"
UPLOADS = "/api/v1/uploads"


async def give_secret(gateway: Gateway, tenant: Tenant = DEFAULT_TENANT) -> None:
    entry = AuditEntry(time.time(), tenant, None, "local", Action.WEBHOOKS_ROTATED, tenant)
    await gateway.jobs.access.webhooks.rotate(
        tenant, new_secret(), entry, previous_until=time.time()
    )


async def job_named(gateway: Gateway, response: ClientResponse) -> Job:
    path = response.headers["Csvmill-Job"]
    return await gateway.jobs.get(UUID(path.rpartition("/")[2]))


async def test_the_urls_of_a_declared_upload_are_those_of_its_job(gateway: Gateway) -> None:
    await give_secret(gateway)
    path = await created(gateway, notify=[{"url": URL}, {"url": OTHER}, {"url": URL}])
    job = await job_named(gateway, await put(gateway, path, 0, BODY))
    assert job.notify == (URL, OTHER)
    shown = await (await gateway.client.get(f"/api/v1/jobs/{job.id}")).text()
    assert '"notify": ["https://hooks.example", "https://other.example"]' in shown
    assert "hidden" not in shown


async def test_the_urls_may_be_in_the_query_of_a_whole_file(gateway: Gateway) -> None:
    await give_secret(gateway)
    query = {"name": "plays.csv", "notify": URL}
    job = await job_named(gateway, await gateway.client.put(UPLOADS, data=BODY, params=query))
    assert job.notify == (URL,)
    large = b"Song,Date,Number of Plays\n" + b"a,2026-01-01,1\n" * 400_000
    response = await gateway.client.put(UPLOADS, data=BytesIO(large), params=query)
    assert (await job_named(gateway, response)).notify == (URL,)


async def test_the_urls_may_be_in_the_query_of_a_tus_creation(gateway: Gateway) -> None:
    await give_secret(gateway)
    response = await gateway.client.post(
        "/api/tus/",
        params={"notify": URL},
        data=BODY,
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(SIZE),
            "Upload-Metadata": "filename " + base64.b64encode(b"plays.csv").decode(),
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert response.status == 201, await response.text()
    upload_id = UUID(response.headers["Location"].rpartition("/")[2])
    job = await gateway.jobs.of_upload(upload_id)
    assert job is not None
    assert job.notify == (URL,)


async def test_the_urls_of_a_job_that_is_asked_for_are_kept(gateway: Gateway) -> None:
    path = await created(gateway)
    await put(gateway, path, 0, BODY)
    asked = {
        "inputs": [path.rpartition("/")[2]],
        "aggregation": {"group_by": ["Song"], "aggregates": [{"function": "count"}]},
        "notify": [{"url": URL}],
    }
    await problem_of(
        await gateway.client.post("/api/v1/jobs", json=asked), 409, "no-webhook-secret"
    )
    await give_secret(gateway)
    response = await gateway.client.post("/api/v1/jobs", json=asked)
    assert response.status == 201, await response.text()
    shown = await response.json()
    assert shown["notify"] == ["https://hooks.example"]
    assert (await gateway.jobs.get(UUID(shown["id"]))).notify == (URL,)
    private = {**asked, "notify": [{"url": "https://10.0.0.1/"}]}
    response = await gateway.client.post("/api/v1/jobs", json=private)
    await problem_of(response, 400, "address-refused")


async def test_the_outcome_of_such_a_job_is_in_the_outbox(gateway: Gateway) -> None:
    await give_secret(gateway)
    path = await created(gateway, notify=[{"url": URL}])
    job = await job_named(gateway, await put(gateway, path, 0, BODY))
    assert (await gateway.client.delete(f"/api/v1/jobs/{job.id}")).status == 200
    page = await (await gateway.client.get("/api/v1/notifications")).json()
    found = [(each["job_id"], each["url"], each["type"]) for each in page["notifications"]]
    assert found == [(str(job.id), URL, "job.cancelled")]


async def test_without_a_secret_no_upload_with_urls_is_created(gateway: Gateway) -> None:
    response = await post(gateway, notify=[{"url": URL}])
    assert (
        "POST /api/v1/webhooks/secret"
        in (await problem_of(response, 409, "no-webhook-secret"))["detail"]
    )
    query = {"name": "plays.csv", "notify": URL}
    for body in (BODY, b""):
        response = await gateway.client.put(UPLOADS, data=body, params=query)
        await problem_of(response, 409, "no-webhook-secret")
    assert (await (await gateway.client.get("/api/v1/jobs")).json())["jobs"] == []


@pytest.mark.parametrize(
    ("notify", "field"),
    [
        (URL, "notify"),
        ([URL], "notify[0]"),
        ([{}], "notify[0]"),
        ([{"url": URL, "colour": "red"}], "notify[0]"),
        ([{"url": 1}], "notify[0]"),
        ([{"url": f"https://a.example/{number}"} for number in range(6)], "notify"),
    ],
)
async def test_what_is_no_list_of_urls_is_refused(
    gateway: Gateway, notify: Any, field: str
) -> None:
    problem = await problem_of(await post(gateway, notify=notify), 400, "invalid-input")
    assert problem["field"] == field
    assert "hidden" not in problem["detail"] or notify == URL


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "https://127.0.0.1/", "https://user:pw@hooks.example/", "nothing"],
)
async def test_a_url_that_requests_may_not_go_to_is_refused(gateway: Gateway, url: str) -> None:
    notify = [{"url": URL}, {"url": url}]
    problem = await problem_of(await post(gateway, notify=notify), 400, "address-refused")
    assert problem["field"] == "notify[1]"
    response = await gateway.client.put(
        UPLOADS, data=BODY, params={"name": "plays.csv", "notify": url}
    )
    problem = await problem_of(response, 400, "address-refused")
    assert problem["field"] == "notify[0]"


async def test_the_urls_of_a_key_are_told_of_what_it_uploads_by_any_protocol(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(auth="keys")
    admin = bearer(await stored_key(gateway))
    fields = {"name": "import", "scopes": ["upload", "read"], "notify": [{"url": OTHER}]}
    refused = await gateway.client.post("/api/v1/keys", json=fields, headers=admin)
    await problem_of(refused, 409, "no-webhook-secret")
    await give_secret(gateway, ACME)
    response = await gateway.client.post("/api/v1/keys", json=fields, headers=admin)
    new = await response.json()
    assert new["key"]["notify"] == [OTHER]
    gateway.client.session.headers.update(bearer(new["secret"]))

    query = {"name": "plays.csv", "notify": URL}
    whole = await gateway.client.put(UPLOADS, data=BODY, params=query)
    assert (await job_named(gateway, whole)).notify == (URL, OTHER)
    chunked = await put(gateway, await created(gateway), 0, BODY)
    assert (await job_named(gateway, chunked)).notify == (OTHER,)
    form = await gateway.chunk("d-1", BODY, offset=0, size=SIZE, total=SIZE)
    job = await gateway.jobs.get(UUID(form["job_id"]))
    assert job.notify == (OTHER,)


async def test_the_urls_of_a_key_are_shown_to_administrators_alone(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="keys")
    await give_secret(gateway, ACME)
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    fields = {"name": "import", "scopes": ["read"], "notify": [{"url": URL}]}
    await gateway.client.post("/api/v1/keys", json=fields, headers=admin)
    listed = (await (await gateway.client.get("/api/v1/keys", headers=admin)).json())["keys"]
    assert [key["notify"] for key in listed] == [[], [URL]]
    bad = {**fields, "notify": [{"url": "https://10.0.0.1/"}]}
    response = await gateway.client.post("/api/v1/keys", json=bad, headers=admin)
    assert (await problem_of(response, 400, "address-refused"))["field"] == "notify[0]"


async def test_an_upload_that_becomes_no_job_tells_nothing(gateway: Gateway) -> None:
    await give_secret(gateway)
    refused = await post(gateway, job=False, notify=[{"url": URL}])
    assert (await problem_of(refused, 400, "invalid-input"))["field"] == "job"
    query = {"name": "plays.csv", "notify": URL, "job": "false"}
    refused = await gateway.client.put(UPLOADS, data=BODY, params=query)
    assert (await problem_of(refused, 400, "invalid-input"))["field"] == "job"


async def test_a_form_of_a_client_without_a_key_has_no_urls(gateway: Gateway) -> None:
    status, answer = await gateway.post(dropzone_form("d-2", BODY, 0, SIZE, SIZE))
    assert status == 200
    assert (await gateway.job_of(answer)).notify == ()
