"""Requests of resumable uploads for HTTP, interop version 8."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.blobs.blob import upload_key
from tests.interims import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway

CONTENT = random.Random(8).randbytes(300_000)
SIZE = len(CONTENT)
URL = "/api/v1/uploads?name=big.csv"
SPOKEN = {"Upload-Draft-Interop-Version": "8"}
IANA = "https://iana.org/assignments/http-problem-types#"
MIB = 1 << 20


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a body without a declared length."""
    for at in range(0, len(content), 70_000):
        yield content[at : at + 70_000]


async def ask(
    gateway: Gateway, method: str, path: str, status: int, /, data: Any = None, **headers: object
) -> ClientResponse:
    """Send a request; return the response, which must have this status."""
    fields = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    response = await gateway.client.request(method, path, data=data, headers={**SPOKEN, **fields})
    assert response.status == status, await response.text()
    return response


async def create(
    gateway: Gateway, data: Any = b"", status: int = 201, /, **headers: object
) -> ClientResponse:
    return await ask(gateway, "POST", URL, status, data, **{"Upload_Complete": "?0", **headers})


async def created(gateway: Gateway, data: Any = b"", /, **headers: object) -> str:
    return (await create(gateway, data, **headers)).headers["Location"]


async def append(
    gateway: Gateway, path: str, offset: int, data: Any, status: int, **headers: object
) -> ClientResponse:
    fields = {
        "Content_Type": "application/partial-upload",
        "Upload_Offset": offset,
        "Upload_Complete": "?1" if status == 201 else "?0",
        **headers,
    }
    return await ask(gateway, "PATCH", path, status, data, **fields)


async def upload_state(gateway: Gateway, path: str) -> tuple[str, int, int | None]:
    """Return completeness, offset and length by offset retrieval."""
    headers = (await ask(gateway, "HEAD", path, 204)).headers
    length = headers.get("Upload-Length")
    return (
        headers["Upload-Complete"],
        int(headers["Upload-Offset"]),
        None if length is None else int(length),
    )


async def content_of(gateway: Gateway, path: str) -> bytes:
    return await gateway.content(upload_key(UUID(path.rpartition("/")[2])))


async def standard_problem(response: ClientResponse, name: str) -> dict[str, Any]:
    """Return a problem type of the draft (section 7)."""
    problem: dict[str, Any] = await response.json()
    assert response.content_type == "application/problem+json"
    assert (problem["type"], problem["status"]) == (IANA + name, response.status)
    return problem


def hanging(gateway: Gateway, path: str, sent: bytes) -> Connection:
    """A connection that has sent the first part of an append of the file, and then hangs."""
    headers = {
        **SPOKEN, "Upload-Complete": "?1", "Upload-Offset": "0", "Content-Length": str(SIZE),
        "Content-Type": "application/partial-upload",
    }  # fmt: skip
    return Connection(gateway.address, (f"PATCH {path}", headers, sent))
