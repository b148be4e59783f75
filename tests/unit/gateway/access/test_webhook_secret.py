"""`/api/v1/webhooks/secret`: the secret with which notifications are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.access.audit import AuditFilter
from shared.access.principal import Scope
from tests.unit.gateway.access.keys import ACME, bearer, stored_key
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

PATH = "/api/v1/webhooks/secret"


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    return await start_gateway(auth="keys")


async def rotate(gateway: Gateway, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    response = await gateway.client.post(PATH, headers=headers, json=fields)
    assert response.status == 200, await response.text()
    assert response.headers["Cache-Control"] == "no-store"
    answer: dict[str, Any] = await response.json()
    return answer


async def test_a_secret_is_shown_once(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    assert await (await gateway.client.get(PATH, headers=admin)).json() == {
        "created_at": None,
        "previous_until": None,
    }
    new = await rotate(gateway, admin)
    assert new["secret"].startswith("whsec_")
    assert new["previous_until"] is None
    shown = await (await gateway.client.get(PATH, headers=admin)).json()
    assert shown == {"created_at": new["created_at"], "previous_until": None}


async def test_the_secret_before_signs_too_for_a_time(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    first, second = [await rotate(gateway, admin, overlap=60) for _ in range(2)]
    assert second["previous_until"] > second["created_at"]
    kept = await gateway.jobs.access.webhooks.of_tenant(ACME)
    assert kept is not None
    assert kept.valid(kept.created_at + 59) == (second["secret"], first["secret"])
    assert kept.valid(kept.created_at + 60) == (second["secret"],)
    without = await rotate(gateway, admin, overlap=0)
    assert without["previous_until"] is None


async def test_each_tenant_has_a_secret_of_its_own_and_rotations_are_recorded(
    gateway: Gateway,
) -> None:
    ours = await rotate(gateway, bearer(await stored_key(gateway, Scope.ADMIN)))
    other = bearer(await stored_key(gateway, Scope.ADMIN, tenant="other"))
    assert (await (await gateway.client.get(PATH, headers=other)).json())["created_at"] is None
    assert (await rotate(gateway, other))["secret"] != ours["secret"]
    entries = await gateway.jobs.access.audit.entries(
        AuditFilter(action="webhooks.rotated"), limit=9
    )
    assert {(entry.tenant, entry.object) for entry in entries} == {
        ("acme", "acme"),
        ("other", "other"),
    }


async def test_the_scope_admin_is_needed(gateway: Gateway) -> None:
    reader = bearer(await stored_key(gateway, Scope.READ, Scope.UPLOAD))
    assert (await gateway.client.get(PATH, headers=reader)).status == 403
    assert (await gateway.client.post(PATH, headers=reader)).status == 403


@pytest.mark.parametrize("overlap", [-1, 1.5, "60", 10**9])
async def test_an_overlap_that_is_none_is_refused(gateway: Gateway, overlap: object) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    response = await gateway.client.post(PATH, headers=admin, json={"overlap": overlap})
    assert (await problem_of(response, 400, "invalid-input"))["field"] == "overlap"


async def test_without_keys_the_tenant_of_the_service_has_a_secret(start_gateway: Start) -> None:
    gateway = await start_gateway(folder="open")
    assert (await rotate(gateway, {}))["secret"]
