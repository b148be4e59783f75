"""Requests need a key with the scope of their route, and are refused by their header."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aiohttp import web

from gateway.access.caller import principal_of
from gateway.access.scopes import NEEDS, OPEN
from gateway.routes import routes
from shared.access.audit import Action
from shared.access.key_store import SqlKeyStore
from shared.access.keys import new_key
from shared.access.principal import Principal, Scope
from shared.access.tenant import Tenant
from shared.telemetry.ids import current_ids
from tests.interims import Connection
from tests.unit.gateway.access.keys import ACME, bearer, note, stored_key

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from tests.unit.gateway.conftest import Gateway, Start

ROUTES = sorted(
    # Without the patterns of parameters
    {(route.method, re.sub(r":[^}]+", "", route.path)) for route in routes({})}
)
OPEN_PAGES = ("/", "/docs", "/openapi.json", "/healthz", "/readyz")
CLOSED = [(method, path) for method, path in ROUTES
          if NEEDS[("GET" if method == "HEAD" else method, path)] is not OPEN]  # fmt: skip


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    """A gateway that demands keys."""
    return await start_gateway(auth="keys", key_cache=0)


def url_of(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda m: "0" if m[1] == "offset" else str(uuid4()), path)


def test_the_table_has_every_route_and_no_other() -> None:
    assert {("GET" if method == "HEAD" else method, path) for method, path in ROUTES} == set(NEEDS)


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_a_route_is_refused_without_a_key_and_without_its_scope(
    gateway: Gateway, method: str, path: str
) -> None:
    need = NEEDS[("GET" if method == "HEAD" else method, path)]
    assert need is not None
    others = set(Scope) - need.scopes
    poor = await stored_key(gateway, *others)
    for headers, status in (({}, 401), (bearer(new_key()), 401), (bearer(poor), 403)):
        response = await gateway.client.request(method, url_of(path), headers=headers)
        assert response.status == status
        challenge = response.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="csvmill"')
        assert ("insufficient_scope" in challenge) is (status == 403)


async def test_the_log_names_the_address_of_who_is_refused(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[dict[str, object]] = []

    def note(record: logging.LogRecord) -> bool:
        found.append({"message": record.getMessage(), **current_ids().fields()})
        return True

    caplog.handler.addFilter(note)
    with caplog.at_level(logging.INFO, logger="gateway.http.errors"):
        assert (await gateway.client.get("/api/v1/jobs")).status == 401
    (line,) = [line for line in found if "/api/v1/jobs is refused, 401" in str(line["message"])]
    assert line["client"] == "127.0.0.1"


async def test_who_may_only_read_does_not_end_an_append(gateway: Gateway) -> None:
    """To ask for an offset takes the upload from the request that sends its bytes."""
    headers = bearer(await stored_key(gateway, Scope.UPLOAD))
    created = await gateway.client.post(
        "/api/v1/uploads", json={"name": "a.csv", "size": 9}, headers=headers
    )
    upload = (await created.json())["id"]
    reader = await stored_key(gateway, Scope.READ)
    for path, fields in (
        (f"/api/tus/{upload}", {"Tus-Resumable": "1.0.0"}),
        (f"/api/v1/uploads/{upload}", {"Upload-Draft-Interop-Version": "8"}),
    ):
        answer = await gateway.client.head(path, headers={**fields, **bearer(reader)})
        assert answer.status == 403
        assert 'scope="upload"' in answer.headers["WWW-Authenticate"]
        answer = await gateway.client.head(path, headers={**fields, **headers})
        assert answer.status in (200, 204)
    assert (await gateway.client.get(f"/api/v1/uploads/{upload}", headers=bearer(reader))).ok


@pytest.mark.parametrize("path", [*OPEN_PAGES, "/page/any/app.js"])
async def test_health_and_documentation_need_no_key(gateway: Gateway, path: str) -> None:
    assert (await gateway.client.get(path)).status == 200


@pytest.mark.parametrize("path", [*OPEN_PAGES, "/page/any/app.js", "/docs/any/reference.js"])
@pytest.mark.parametrize("method", ["DELETE", "POST", "TRACE"])
async def test_another_method_of_an_open_page_is_not_a_matter_of_keys(
    gateway: Gateway, method: str, path: str
) -> None:
    refused = await gateway.client.request(method, path)
    assert refused.status == 405
    assert refused.headers["Allow"] == "GET,HEAD"


async def test_an_unknown_url_and_method_are_hidden_from_strangers(gateway: Gateway) -> None:
    key = bearer(await stored_key(gateway))
    for method, path, status in (("GET", "/nothing", 404), ("DELETE", "/api/v1/jobs", 405)):
        assert (await gateway.client.request(method, path)).status == 401
        assert (await gateway.client.request(method, path, headers=key)).status == status


class Seen:
    """Keeps the principals of requests that are admitted."""

    def __init__(self) -> None:
        self.principals: list[Principal] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.principals.append(principal_of(request))
        return await handler(request)


async def test_a_key_gives_its_tenant_scopes_and_id(start_gateway: Start) -> None:
    seen = Seen()
    gateway = await start_gateway(auth="keys", last_middleware=seen.middleware)
    key = await stored_key(gateway, Scope.READ, tenant="acme")
    assert (await gateway.client.get("/api/v1/jobs", headers=bearer(key))).status == 200
    assert seen.principals == [Principal(ACME, frozenset({Scope.READ}), key.id)]


async def test_invalid_expired_and_revoked_keys_are_not_told_apart(gateway: Gateway) -> None:
    expired = await stored_key(gateway, expires_at=time.time() - 1)
    revoked = await stored_key(gateway)
    assert (await gateway.client.get("/api/v1/jobs", headers=bearer(revoked))).status == 200
    await gateway.jobs.access.keys.revoke(
        revoked.id, note(Action.KEY_REVOKED, revoked.id), tenant=None
    )
    answers = []
    for key in (expired, revoked, new_key(), new_key(revoked.id)):
        response = await gateway.client.get("/api/v1/jobs", headers=bearer(key))
        answers.append((response.status, await response.text(), response.headers.keys()))
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer csvmill_x", "Bearer \u00e9", "bearer a b"],
)
async def test_what_is_no_key_is_refused(gateway: Gateway, authorization: str) -> None:
    response = await gateway.client.get("/api/v1/jobs", headers={"Authorization": authorization})
    assert response.status == 401
    assert (await response.json())["type"] == "urn:csvmill:problem:not-authenticated"


async def test_several_keys_are_refused(gateway: Gateway) -> None:
    """A proxy may have looked at the other one."""
    valid, other = [bearer(await stored_key(gateway))["Authorization"] for _ in range(2)]
    headers = [("Authorization", valid), ("Authorization", other)]
    response = await gateway.client.get("/api/v1/jobs", headers=headers)
    assert response.status == 401
    assert "several times" in (await response.json())["detail"]


async def test_a_typing_error_is_told(gateway: Gateway) -> None:
    text = new_key().text
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    response = await gateway.client.get("/api/v1/jobs", headers=bearer(wrong))
    assert response.status == 401
    detail = (await response.json())["detail"]
    assert "checksum" in detail
    assert text[20:60] not in detail


async def test_both_secrets_of_a_rotated_key_are_valid_for_a_time(gateway: Gateway) -> None:
    old = await stored_key(gateway)
    new = new_key(old.id)
    for until, status in ((time.time() + 60, 200), (time.time() - 1, 401)):
        key = await gateway.jobs.access.keys.find(old.id)
        assert key is not None
        await gateway.jobs.access.keys.rotate(
            old.id, key.digest, note(Action.KEY_ROTATED, old.id), previous_until=until, tenant=None
        )
        again = new_key(old.id)
        await gateway.jobs.access.keys.rotate(
            old.id, again.digest, note(Action.KEY_ROTATED, old.id), previous_until=until,
            tenant=None,
        )  # fmt: skip
        assert (await gateway.client.get("/api/v1/jobs", headers=bearer(again))).status == 200
        former = old if status == 200 else new
        assert (await gateway.client.get("/api/v1/jobs", headers=bearer(former))).status == status
        new = again


async def test_a_refused_body_is_not_read_and_not_invited(gateway: Gateway) -> None:
    headers = {"Content-Length": str(10**9), "Expect": "100-continue"}
    async with Connection(gateway.address) as connection:
        await connection.send("PUT /api/v1/uploads?name=a.csv", headers, b"")
        answer = await connection.answer(no_interim=True)
        assert (answer.status, answer.headers["Connection"]) == (401, "close")
        assert json.loads(answer.body)["type"] == "urn:csvmill:problem:not-authenticated"
        await connection.ended()


async def test_a_body_is_invited_once_the_request_is_admitted(gateway: Gateway) -> None:
    key = await stored_key(gateway, Scope.UPLOAD)
    body = b"Song,Date,Number of Plays\na,2026-01-01,1\n"
    headers = {"Content-Length": str(len(body)), "Expect": "100-continue", **bearer(key)}
    async with Connection(gateway.address) as connection:
        await connection.send("PUT /api/v1/uploads?name=a.csv", headers, b"")
        await connection.invited()
        await connection.write(body)
        assert (await connection.answer()).status == 201


async def test_the_first_clients_are_of_the_tenant_that_a_setting_names(
    start_gateway: Start,
) -> None:
    seen = Seen()
    gateway = await start_gateway(
        auth="keys", anonymous_tenant="guests", last_middleware=seen.middleware
    )
    key = await stored_key(gateway, Scope.READ, tenant="guests")
    answer = await gateway.chunk(
        "x", b"Song,Date,Number of Plays\na,2026-01-01,1\n", offset=0, size=41, total=41
    )
    guest = Principal(Tenant("guests"), frozenset({Scope.UPLOAD, Scope.READ}))
    assert seen.principals == [guest]
    status = await gateway.client.get(f"/api/file_status/{answer['job_id']}")
    assert status.status == 200
    # A key that is given is checked, and the other URLs need one
    for path, headers, expected in (
        (f"/api/file_status/{answer['job_id']}", bearer(new_key()), 401),
        (f"/api/file_status/{answer['job_id']}", {"Authorization": "x"}, 401),
        (f"/api/v1/jobs/{answer['job_id']}", {}, 401),
        (f"/api/v1/jobs/{answer['job_id']}", bearer(key), 200),
    ):
        assert (await gateway.client.get(path, headers=headers)).status == expected


async def test_metrics_need_a_key_of_an_operator_unless_a_setting_opens_them(
    gateway: Gateway, start_gateway: Start
) -> None:
    admin, operator = await stored_key(gateway), await stored_key(gateway, is_operator=True)
    for headers, status in ((bearer(admin), 403), (bearer(operator), 200)):
        assert (await gateway.client.get("/metrics", headers=headers)).status == status
    opened = await start_gateway(folder="second", auth="keys", open_metrics=True)
    assert (await opened.client.get("/metrics")).status == 200


@pytest.mark.parametrize(
    ("settings", "demanded"),
    [
        ({}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),  # noqa: S104
        ({"host": "mill.example"}, True),
        ({"host": "0.0.0.0", "auth": "off"}, False),  # noqa: S104
        ({"auth": "keys"}, True),
        ({"auth": ""}, False),
    ],
)
async def test_keys_are_demanded_by_default_where_others_reach_the_service(
    start_gateway: Start, settings: dict[str, Any], demanded: bool
) -> None:
    gateway = await start_gateway(**settings)
    assert (await gateway.client.get("/api/v1/jobs")).status == (401 if demanded else 200)


async def test_a_service_without_a_key_says_how_to_create_one(
    start_gateway: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start_gateway(auth="keys")
    assert "csvmill keys create" in caplog.text
    caplog.clear()

    async def exist(_self: SqlKeyStore, *, now: float) -> bool:
        return now > 0

    monkeypatch.setattr(SqlKeyStore, "exist", exist)
    await start_gateway(folder="second", auth="keys")
    assert "csvmill keys create" not in caplog.text
