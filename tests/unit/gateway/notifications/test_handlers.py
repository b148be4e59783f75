"""`/api/v1/notifications`: lists, and sends again what was given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shared.access.audit import AuditFilter
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from shared.jobs.notification import Notification, NotificationFilter
from tests.contract.job_stores import make_job
from tests.unit.gateway.access.keys import bearer, stored_key
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

PATH = "/api/v1/notifications"
URL = "https://hooks.example/path?token=secret"


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    return await start_gateway(auth="keys")


async def made(gateway: Gateway, count: int = 1, tenant: str = "acme") -> list[Notification]:
    """Make notifications of jobs that are cancelled now; the newest first."""
    for _ in range(count):
        job = await make_job(gateway.jobs, tenant=Tenant(tenant), notify=[URL])
        await gateway.jobs.cancel(job.id, now=time.time())
    wanted = NotificationFilter(tenant=Tenant(tenant))
    return list(await gateway.jobs.notifications.newest(wanted, limit=count))


async def given_up(gateway: Gateway) -> Notification:
    await made(gateway)
    now = time.time()
    (taken,) = await gateway.jobs.notifications.take(now=now, held_until=now + 9, limit=1)
    assert await gateway.jobs.notifications.give_up(taken, "HTTP 503", status=503, now=now)
    return taken


async def listed(gateway: Gateway, headers: dict[str, str], path: str = PATH) -> dict[str, Any]:
    response = await gateway.client.get(path, headers=headers)
    assert response.status == 200, await response.text()
    assert response.headers["Cache-Control"] == "no-store"
    page: dict[str, Any] = await response.json()
    return page


async def test_a_notification_is_shown_with_what_became_of_it(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    (one,) = await made(gateway)
    (shown,) = (await listed(gateway, admin))["notifications"]
    assert shown["created_at"].startswith("20")
    assert shown["next_attempt_at"] == shown["created_at"]
    assert {name: shown[name] for name in ("id", "job", "job_id", "tenant", "url", "type")} == {
        "id": one.id,
        "job": f"/api/v1/jobs/{one.job_id}",
        "job_id": str(one.job_id),
        "tenant": "acme",
        "url": URL,
        "type": "job.cancelled",
    }
    assert [shown[name] for name in ("state", "attempts", "ended_at", "status", "error")] == [
        "pending", 0, None, None, None,
    ]  # fmt: skip


async def test_those_that_were_given_up_can_be_listed_alone_and_sent_again(
    gateway: Gateway,
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    failed = await given_up(gateway)
    await made(gateway)
    (shown,) = (await listed(gateway, admin, f"{PATH}?state=failed"))["notifications"]
    assert (shown["id"], shown["status"], shown["error"]) == (failed.id, 503, "HTTP 503")
    assert shown["next_attempt_at"] is None
    response = await gateway.client.post(f"{PATH}/{failed.id}/retry", headers=admin)
    assert response.status == 200
    assert (await response.json())["state"] == "pending"
    assert (await listed(gateway, admin, f"{PATH}?state=failed"))["notifications"] == []
    entries = await gateway.jobs.access.audit.entries(AuditFilter(object=failed.id), limit=9)
    assert [str(entry.action) for entry in entries] == ["notification.retried"]


async def test_pages_show_each_once(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    expected = [each.id for each in await made(gateway, 5)]
    seen, path = [], f"{PATH}?limit=2"
    while path:
        page = await listed(gateway, admin, path)
        seen += [each["id"] for each in page["notifications"]]
        path = page["next"]
    assert seen == expected


async def test_those_of_one_job_can_be_listed(gateway: Gateway) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    _, second = await made(gateway, 2)
    page = await listed(gateway, admin, f"{PATH}?job={second.job_id}")
    assert [each["id"] for each in page["notifications"]] == [second.id]


async def test_a_tenant_sees_and_retries_its_own_and_an_operator_all(gateway: Gateway) -> None:
    failed = await given_up(gateway)
    other = bearer(await stored_key(gateway, Scope.ADMIN, tenant="other"))
    operator = bearer(await stored_key(gateway, tenant="ops", is_operator=True))
    assert (await listed(gateway, other))["notifications"] == []
    refused = await gateway.client.post(f"{PATH}/{failed.id}/retry", headers=other)
    await problem_of(refused, 404, "notification-not-found")
    assert len((await listed(gateway, operator))["notifications"]) == 1
    response = await gateway.client.post(f"{PATH}/{failed.id}/retry", headers=operator)
    assert response.status == 200


async def test_the_scope_admin_is_needed_as_urls_may_be_secret(gateway: Gateway) -> None:
    reader = bearer(await stored_key(gateway, Scope.READ, Scope.UPLOAD))
    assert (await gateway.client.get(PATH, headers=reader)).status == 403
    assert (await gateway.client.post(f"{PATH}/msg_1/retry", headers=reader)).status == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=FAILED", "state"),
        ("job=1", "job"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=0x1.0p%2B9999~msg_1", "cursor"),
        ("colour=red", "colour"),
        ("state=failed&state=pending", "state"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused(
    gateway: Gateway, query: str, field: str
) -> None:
    admin = bearer(await stored_key(gateway, Scope.ADMIN))
    response = await gateway.client.get(f"{PATH}?{query}", headers=admin)
    assert (await problem_of(response, 400, "invalid-input"))["field"] == field
