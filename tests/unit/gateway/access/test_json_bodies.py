"""Large JSON bodies, of which a gateway holds only some of each tenant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.access import json_bodies
from gateway.access.json_bodies import JSON_TURNS, SMALL
from tests.unit.gateway.access.tenants import OTHER, OWNER, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from shared.access.tenant import Tenant
    from tests.unit.gateway.conftest import Start

JSON = {"Content-Type": "application/json"}
DECLARATION = b'{"name": "a.csv", "size": 9}'
LARGE = DECLARATION + b" " * SMALL
PATH = "/api/v1/uploads"


async def test_a_large_body_waits_for_others_of_its_tenant_and_no_other_request_waits(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_bodies, "LARGE_OF_TENANT", 1)
    gateway = await start_gateway(auth="keys")
    turns = gateway.client.app[JSON_TURNS]
    goes_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield DECLARATION
        await goes_on.wait()

    async def status(tenant: Tenant, body: bytes | AsyncIterator[bytes]) -> int:
        return (await ask(gateway, tenant, "POST", PATH, data=body, headers=JSON)).status

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(status(OWNER, slowly()))
        while not len(turns):  # noqa: ASYNC110  (nothing tells that a request has been read)
            await asyncio.sleep(0.01)
        waiting = tasks.create_task(status(OWNER, LARGE))
        assert await status(OWNER, DECLARATION) == 201
        assert await status(OTHER, LARGE) == 201
        assert (first.done(), waiting.done(), len(turns)) == (False, False, 1)
        goes_on.set()
    assert (first.result(), waiting.result()) == (201, 201)


async def test_a_large_body_whose_turn_does_not_come_is_refused(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_bodies, "LARGE_OF_TENANT", 0)
    gateway = await start_gateway(auth="keys", client_timeout=0.1)
    answer = await ask(gateway, OWNER, "POST", PATH, data=LARGE, headers=JSON)
    assert answer.status == 503
    assert (await answer.json())["type"] == "urn:csvmill:problem:too-busy"
