"""Uploads of one tenant are not asked, listed or kept by another, nor without the scopes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.access.principal import Scope
from tests.unit.gateway.access.keys import bearer, stored_key
from tests.unit.gateway.access.tenants import FILE, OTHER, OWNER, Belongings, ask
from tests.unit.gateway.datasets.asking import COUNT, JOBS
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from shared.access.tenant import Tenant
    from tests.unit.gateway.conftest import Gateway, Start

UPLOADS = "/api/v1/uploads"


@pytest.fixture
async def shared_gateway(start_gateway: Start) -> Gateway:
    """A gateway of several tenants."""
    return await start_gateway(auth="keys")


async def asked(gateway: Gateway, tenant: Tenant, name: str, key: str = "") -> ClientResponse:
    body = json.dumps({"inputs": [name], "aggregation": COUNT})
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    return await ask(gateway, tenant, "POST", JOBS, data=body, headers=headers)


async def test_an_upload_of_another_tenant_is_not_asked_nor_listed(
    shared_gateway: Gateway,
) -> None:
    owned = await Belongings.of(shared_gateway, OWNER)
    listed = await (await ask(shared_gateway, OWNER, "GET", UPLOADS)).json()
    names = {each["name"] for each in listed["uploads"]}
    assert {"whole.csv", "SUCCESS.csv"} <= names
    for name in (*owned.names.values(), *names):
        await problem_of(await asked(shared_gateway, OTHER, name), 404, "upload-not-found")
    foreign = await (await ask(shared_gateway, OTHER, "GET", UPLOADS)).json()
    assert foreign == {"uploads": [], "next": None}


async def test_a_name_and_a_key_of_two_tenants_are_two_uploads_and_two_jobs(
    shared_gateway: Gateway,
) -> None:
    found = []
    for tenant in (OWNER, OTHER):
        sent = await ask(shared_gateway, tenant, "PUT", f"{UPLOADS}?name=x.csv", data=FILE)
        job = await (await asked(shared_gateway, tenant, "x.csv", key="k")).json()
        assert job["inputs"][0]["upload_id"] == (await sent.json())["id"]
        found.append(job["id"])
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("scopes", "method", "path"),
    [
        ({Scope.READ}, "POST", JOBS),
        ({Scope.UPLOAD}, "POST", JOBS),
        ({Scope.UPLOAD}, "GET", UPLOADS),
        ({Scope.READ}, "PUT", f"{UPLOADS}/x.csv/keep"),
    ],
)
async def test_a_key_without_the_scopes_is_refused(
    shared_gateway: Gateway, scopes: set[Scope], method: str, path: str
) -> None:
    key = await stored_key(shared_gateway, *scopes, tenant=OWNER)
    response = await shared_gateway.client.request(
        method, path, json={"inputs": ["x.csv"], "aggregation": COUNT}, headers=bearer(key.text)
    )
    await problem_of(response, 403, "scope-missing")
