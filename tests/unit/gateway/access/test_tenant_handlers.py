"""`/api/v1/tenants`: operators list and change what is set for single tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.access.audit import Action, AuditFilter
from shared.access.limits import Limits
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from tests.unit.gateway.access.keys import bearer, stored_key

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

TENANTS = "/api/v1/tenants"
UNSET = dict.fromkeys(
    ("weight", "max_running", "max_waiting", "max_bytes", "max_uploads", "max_upload_size",
     "requests_per_second")
)  # fmt: skip


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    """A gateway that demands keys, except for metrics."""
    return await start_gateway(auth="keys", open_metrics=True)


async def change(
    gateway: Gateway, headers: dict[str, str], tenant: str, status: int = 200, **fields: Any
) -> dict[str, Any]:
    response = await gateway.client.patch(f"{TENANTS}/{tenant}", json=fields, headers=headers)
    answer: dict[str, Any] = await response.json()
    assert response.status == status, answer
    return answer


async def listed(gateway: Gateway, headers: dict[str, str]) -> list[dict[str, Any]]:
    response = await gateway.client.get(TENANTS, headers=headers)
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    found: list[dict[str, Any]] = (await response.json())["tenants"]
    return found


async def test_an_operator_changes_what_is_sent_and_the_rest_stays(gateway: Gateway) -> None:
    operator = bearer(await stored_key(gateway, Scope.ADMIN, is_operator=True))
    first = await change(gateway, operator, "beta", weight=3, max_bytes=1 << 40)
    assert first == {"tenant": "beta", **UNSET, "weight": 3, "max_bytes": 1 << 40}
    second = await change(gateway, operator, "beta", weight=None, requests_per_second=2.5)
    expected = {"tenant": "beta", **UNSET, "max_bytes": 1 << 40, "requests_per_second": 2.5}
    assert second == expected
    await change(gateway, operator, "alpha", max_running=0)
    assert await listed(gateway, operator) == [
        {"tenant": "alpha", **UNSET, "max_running": 0},
        expected,
    ]
    limits = await gateway.jobs.access.quotas.limits_of(Tenant("beta"))
    assert limits == Limits(max_bytes=1 << 40, requests_per_second=2.5)


async def test_a_change_is_in_the_audit_trail_of_the_tenant_that_it_is_of(
    gateway: Gateway,
) -> None:
    key = await stored_key(gateway, Scope.ADMIN, is_operator=True)
    await change(gateway, bearer(key), "beta", weight=3, max_running=None)
    (entry,) = await gateway.jobs.access.audit.entries(
        AuditFilter(action=Action.TENANT_CHANGED), limit=10
    )
    assert (entry.tenant, entry.key_id, entry.object) == ("beta", key.id, "beta")
    assert entry.detail == "weight=3, max_running=None"


async def test_nobody_but_an_operator_sees_or_changes_tenants(gateway: Gateway) -> None:
    """Although metrics are open here, which need an operator's key otherwise."""
    admin = bearer(await stored_key(gateway))
    for headers, status in ((admin, 403), ({}, 401)):
        assert (await gateway.client.get(TENANTS, headers=headers)).status == status
        await change(gateway, headers, "acme", status, max_bytes=None)
    operator = bearer(await stored_key(gateway, is_operator=True))
    assert await listed(gateway, operator) == []
    assert (await gateway.client.get("/metrics")).status == 200


async def test_a_service_without_keys_changes_no_tenants(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="off")
    refused = await change(gateway, {}, "acme", 401, weight=2)
    assert "csvmill tenants" in refused["detail"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"weight": 0}, "weight"),
        ({"max_running": -1}, "max_running"),
        ({"max_bytes": 1.5}, "max_bytes"),
        ({"max_bytes": 1 << 63}, "max_bytes"),
        ({"max_uploads": True}, "max_uploads"),
        ({"max_waiting": "8"}, "max_waiting"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"requests_per_second": 1e300}, "requests_per_second"),
        ({"requests_per_second": False}, "requests_per_second"),
        ({"weigth": 2}, "weigth"),
        ({}, None),
    ],
    ids=repr,
)
async def test_what_cannot_be_set_is_refused_and_nothing_changes(
    gateway: Gateway, fields: dict[str, Any], field: str | None
) -> None:
    operator = bearer(await stored_key(gateway, is_operator=True))
    refused = await change(gateway, operator, "acme", 400, **fields)
    assert refused["type"] == "urn:csvmill:problem:invalid-input"
    if field is not None:
        assert field in refused["detail"]
    assert await listed(gateway, operator) == []


@pytest.mark.parametrize("name", ["Acme", "a_b", "-a", "a" * 64])
async def test_what_is_no_name_of_a_tenant_is_refused(gateway: Gateway, name: str) -> None:
    operator = bearer(await stored_key(gateway, is_operator=True))
    await change(gateway, operator, name, 400, weight=2)
