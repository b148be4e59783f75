"""Requests of the native upload protocol."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway


BODY = b"Song,Date,Number of Plays\na,2026-01-01,1\nb,2026-01-02,2\n"
SIZE = len(BODY)
MIB = 1 << 20


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_digest(content: bytes, algorithm: str = "sha-256") -> str:
    digest = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


async def post(gateway: Gateway, key: str | None = None, /, **fields: Any) -> ClientResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    declared = {"name": "plays.csv", "size": SIZE, **fields}
    declared = {name: value for name, value in declared.items() if value is not ...}
    return await gateway.client.post("/api/v1/uploads", json=declared, headers=headers)


async def created(gateway: Gateway, key: str | None = None, /, **fields: Any) -> str:
    """Return the path of a new upload."""
    response = await post(gateway, key, **fields)
    assert response.status == 201, await response.text()
    return response.headers["Location"]


async def put(
    gateway: Gateway, path: str, offset: int, body: bytes, **headers: str
) -> ClientResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.client.put(f"{path}/chunks/{offset}", data=body, headers=fields)


async def shown(gateway: Gateway, path: str) -> dict[str, Any]:
    response = await gateway.client.get(path)
    assert response.status == 200, await response.text()
    view: dict[str, Any] = await response.json()
    return view
