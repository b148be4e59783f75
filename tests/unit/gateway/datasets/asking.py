"""Sends files, and asks for jobs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.gateway.native import BODY, created, put

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway

JOBS = "/api/v1/jobs"
COUNT = {"group_by": ["Song"], "aggregates": [{"function": "count"}]}


async def sent(gateway: Gateway, body: bytes = BODY, **fields: Any) -> str:
    """Return the id of an upload that is complete."""
    path = await created(gateway, size=len(body), **fields)
    response = await put(gateway, path, 0, body)
    assert response.status == 200, await response.text()
    return path.rpartition("/")[2]


async def ask(
    gateway: Gateway, *inputs: Any, key: str | None = None, **fields: Any
) -> ClientResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"inputs": inputs, "aggregation": COUNT, **fields}
    return await gateway.client.post(JOBS, json=body, headers=headers)
