"""`/api/v1/keys`: who creates, lists, rotates and revokes which keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shared.access.audit import AuditFilter
from shared.access.principal import Scope
from tests.unit.gateway.access.keys import bearer, stored_key

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

KEYS = "/api/v1/keys"


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    """A gateway that demands keys, and remembers them for longer than a test takes."""
    return await start_gateway(auth="keys", key_cache=3600)


async def create(
    gateway: Gateway, headers: dict[str, str], status: int = 201, **fields: Any
) -> dict[str, Any]:
    body = {"name": "import", "scopes": ["read"], **fields}
    response = await gateway.client.post(KEYS, json=body, headers=headers)
    answer: dict[str, Any] = await response.json()
    assert response.status == status, answer
    assert status != 201 or response.headers["Cache-Control"] == "no-store"
    return answer


async def status_with(gateway: Gateway, secret: str) -> int:
    return (await gateway.client.get("/api/v1/jobs", headers=bearer(secret))).status


async def test_an_administrator_creates_a_key_of_its_tenant_which_is_shown_once(
    gateway: Gateway,
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    new = await create(gateway, admin, name="nightly", expires_in=3600)
    assert (new["key"]["tenant"], new["key"]["scopes"]) == ("acme", ["read"])
    assert new["key"]["expires_at"] > new["key"]["created_at"]
    response = await gateway.client.get(KEYS, headers=admin)
    listed = (await response.json())["keys"]
    assert [key["name"] for key in listed] == ["test", "nightly"]
    assert listed[1] == new["key"]
    assert new["secret"] not in await response.text()
    assert await status_with(gateway, new["secret"]) == 200


async def test_a_tenant_neither_sees_nor_changes_the_keys_of_another(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    other = await stored_key(gateway, Scope.READ, tenant="other")
    listed = (await (await gateway.client.get(KEYS, headers=admin)).json())["keys"]
    assert {key["tenant"] for key in listed} == {"acme"}
    assert (await gateway.client.delete(f"{KEYS}/{other.id}", headers=admin)).status == 404
    rotate = await gateway.client.post(f"{KEYS}/{other.id}/rotate", headers=admin)
    assert (rotate.status, (await rotate.json())["type"]) == (
        404,
        "urn:csvmill:problem:key-not-found",
    )
    for fields in ({"tenant": "other"}, {"operator": True}):
        refused = await create(gateway, admin, 403, **fields)
        assert refused["type"] == "urn:csvmill:problem:scope-missing"
    assert await status_with(gateway, other.text) == 200


async def test_an_administrator_gets_no_key_of_an_operator_of_the_same_tenant(
    gateway: Gateway,
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    operator = await stored_key(gateway, Scope.ADMIN, is_operator=True)
    rotate = await gateway.client.post(f"{KEYS}/{operator.id}/rotate", headers=admin)
    revoke = await gateway.client.delete(f"{KEYS}/{operator.id}", headers=admin)
    assert (rotate.status, revoke.status) == (404, 404)
    listed = (await (await gateway.client.get(KEYS, headers=admin)).json())["keys"]
    assert operator.id not in {key["id"] for key in listed}
    all_keys = await gateway.client.get(KEYS, headers=bearer(operator))
    assert {key["id"] for key in (await all_keys.json())["keys"]} > {operator.id}


async def test_an_operator_manages_the_keys_of_all_tenants(gateway: Gateway) -> None:
    operator = bearer(await stored_key(gateway, Scope.ADMIN, is_operator=True))
    new = await create(gateway, operator, tenant="other", operator=True, scopes=["admin"])
    assert (new["key"]["tenant"], new["key"]["operator"]) == ("other", True)
    listed = (await (await gateway.client.get(KEYS, headers=operator)).json())["keys"]
    assert {key["tenant"] for key in listed} == {"acme", "other"}
    assert (
        await gateway.client.delete(f"{KEYS}/{new['key']['id']}", headers=operator)
    ).status == 200


async def test_a_revoked_key_is_refused_at_once_by_the_gateway_that_revokes_it(
    gateway: Gateway,
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    key = await stored_key(gateway, Scope.READ)
    assert await status_with(gateway, key.text) == 200
    answers = [await gateway.client.delete(f"{KEYS}/{key.id}", headers=admin) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert (await answers[0].json())["revoked_at"] == (await answers[1].json())["revoked_at"]
    assert await status_with(gateway, key.text) == 401
    rotate = await gateway.client.post(f"{KEYS}/{key.id}/rotate", headers=admin)
    assert rotate.status == 404


@pytest.mark.parametrize(("overlap", "old"), [(None, 200), (3600, 200), (0, 401)])
async def test_a_rotated_key_has_a_new_secret_and_keeps_the_old_one_for_a_time(
    gateway: Gateway, overlap: int | None, old: int
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    key = await stored_key(gateway, Scope.READ)
    assert await status_with(gateway, key.text) == 200
    body = None if overlap is None else {"overlap": overlap}
    response = await gateway.client.post(f"{KEYS}/{key.id}/rotate", headers=admin, json=body)
    answer = await response.json()
    assert (response.status, answer["key"]["id"]) == (200, key.id)
    assert answer["secret"] != key.text
    assert await status_with(gateway, answer["secret"]) == 200
    assert await status_with(gateway, key.text) == old


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"tenant": 5}, "tenant"),
        ({"name": "two\nlines"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["write"]}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"tenant": "A/B"}, "tenant"),
        ({"operator": 1}, "operator"),
        ({"operator": {}}, "operator"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"expires_in": 10**30}, "expires_in"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_wrong_field_is_named(gateway: Gateway, fields: dict[str, Any], field: str) -> None:
    operator = bearer(await stored_key(gateway, is_operator=True))
    answer = await create(gateway, operator, 400, **fields)
    assert answer["field"] == field


async def test_changes_are_in_the_audit_trail_with_who_made_them(gateway: Gateway) -> None:
    admin = await stored_key(gateway, Scope.ADMIN)
    before = time.time()
    new = await create(gateway, bearer(admin), name="nightly")
    url = f"{KEYS}/{new['key']['id']}"
    await gateway.client.post(f"{url}/rotate", headers=bearer(admin), json={"overlap": 60})
    await gateway.client.delete(url, headers=bearer(admin))
    found = await gateway.jobs.access.audit.entries(AuditFilter(since=before), limit=9)
    assert [(each.action, each.object, each.key_id, each.address) for each in found] == [
        (action, new["key"]["id"], admin.id, "127.0.0.1")
        for action in ("key.revoked", "key.rotated", "key.created")
    ]
    assert [each.detail for each in found] == [
        None, "overlap 60 s", "tenant acme, read: nightly",
    ]  # fmt: skip


async def test_a_service_without_keys_manages_none(start_gateway: Start) -> None:
    gateway = await start_gateway()
    for method, url in (("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/x")):
        response = await gateway.client.request(method, url)
        assert response.status == 401
        assert "CSVMILL_AUTH=off" in (await response.json())["detail"]
