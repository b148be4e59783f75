"""Bodies with a content coding are refused everywhere, before anything is decoded."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

BOUNDARY = "b"
# 20 MB of zeros in 20 KB
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="plays.csv"\r\n\r\n'
    + bytes(20_000_000)
    + b"\r\n--b--\r\n"
)
DECLARED = json.dumps({"name": "plays.csv", "size": 74}).encode()


async def uploads(gateway: Gateway) -> int:
    async with gateway.blobs.walk("uploads") as found:
        return len([each async for each in found])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "identity, GZIP", "x-unknown"])
@pytest.mark.parametrize(
    ("method", "path", "content_type", "body"),
    [
        ("POST", "/api/upload_file", "multipart/form-data; boundary=b", FORM),
        ("POST", "/api/v1/uploads", "application/json", DECLARED),
        ("PUT", "/api/v1/uploads?name=a.csv", "text/csv", FORM),
        ("PUT", "/api/v1/uploads/x/chunks/0", "text/csv", FORM),
        ("PATCH", "/api/v1/uploads/x", "application/json", b'{"size": 74}'),
        ("POST", "/api/v1/inspections", "multipart/form-data; boundary=b", FORM),
        ("POST", "/api/v1/uploads/x/inspect", "application/json", b"{}"),
    ],
)
async def test_an_encoded_body_is_unsupported_media(
    gateway: Gateway, method: str, path: str, content_type: str, body: bytes, coding: str
) -> None:
    response = await gateway.client.request(
        method,
        path,
        data=zlib.compress(body, wbits=31),
        headers={"Content-Type": content_type, "Content-Encoding": coding},
    )
    assert response.status == 415
    answer = await response.json()
    if path.startswith("/api/v1"):
        assert response.content_type == "application/problem+json"
        assert answer["type"] == "urn:csvmill:problem:unsupported-media"
    else:
        assert set(answer) == {"status", "message"}
    assert await uploads(gateway) == 0


@pytest.mark.parametrize("coding", ["identity", "", " Identity "])
async def test_a_body_without_a_coding_is_taken(gateway: Gateway, coding: str) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads",
        data=DECLARED,
        headers={"Content-Type": "application/json", "Content-Encoding": coding},
    )
    assert response.status == 201
