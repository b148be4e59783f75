"""Digests in the trailer of a request (tus checksum extension, RFC 9530)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import zlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

BODY = random.Random(7).randbytes(100_000)
DIGESTS = {
    "sha1": hashlib.sha1(BODY, usedforsecurity=False).digest(),
    "sha256": hashlib.sha256(BODY).digest(),
    "crc32": zlib.crc32(BODY).to_bytes(4, "big"),
    "sha-512": hashlib.sha512(BODY).digest(),
}


def base64_of(algorithm: str) -> str:
    return base64.b64encode(DIGESTS[algorithm]).decode()


async def send(
    gateway: Gateway, method: str, path: str, fields: dict[str, str], trailers: bytes
) -> int:
    """Send the body in chunks, followed by `trailers`; return the status of the response."""
    reader, writer = await asyncio.open_connection(*gateway.address)
    head = {"Host": "x", "Transfer-Encoding": "chunked", "Connection": "close", **fields}
    writer.write(f"{method} {path} HTTP/1.1\r\n".encode())
    writer.writelines(f"{name}: {value}\r\n".encode() for name, value in head.items())
    writer.write(b"\r\n")
    for at in range(0, len(BODY), 30_000):
        piece = BODY[at : at + 30_000]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n" + trailers + b"\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return int(answer.rpartition(b"HTTP/1.1 ")[2][:3])  # the status after any interim responses


async def patch(gateway: Gateway, path: str, trailers: bytes, **fields: str) -> int:
    tus = {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
        "Trailer": "Upload-Checksum",
    }
    return await send(gateway, "PATCH", path, {**tus, **fields}, trailers)


async def tus_upload(gateway: Gateway) -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(BODY) + 1)}
    response = await gateway.client.post("/api/tus/", headers=headers)
    return response.headers["Location"]


async def offset(gateway: Gateway, path: str) -> int:
    response = await gateway.client.head(path, headers={"Tus-Resumable": "1.0.0"})
    return int(response.headers["Upload-Offset"])


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "crc32"])
async def test_a_checksum_in_the_trailer_is_checked(gateway: Gateway, algorithm: str) -> None:
    path = await tus_upload(gateway)
    right = f"Upload-Checksum: {algorithm} {base64_of(algorithm)}\r\n".encode()
    assert await patch(gateway, path, right) == 204
    assert (await offset(gateway, path)) == len(BODY)


@pytest.mark.parametrize(
    ("trailer", "status"),
    [
        (f"Upload-Checksum: sha1 {base64.b64encode(bytes(20)).decode()}\r\n", 460),
        ("", 400),
        ("X-Other: 1\r\n", 400),
        ("Upload-Checksum: md5 YWJj\r\n", 400),
        ("Upload-Checksum: sha1 YWJj\r\n", 400),
    ],
)
async def test_bytes_are_not_kept_if_the_trailer_is_wrong_or_missing(
    gateway: Gateway, trailer: str, status: int
) -> None:
    path = await tus_upload(gateway)
    assert await patch(gateway, path, trailer.encode()) == status
    assert (await offset(gateway, path)) == 0


async def test_checksums_in_header_and_trailer_are_both_checked(gateway: Gateway) -> None:
    path = await tus_upload(gateway)
    right = f"sha256 {base64_of('sha256')}"
    wrong = f"Upload-Checksum: crc32 {base64.b64encode(bytes(4)).decode()}\r\n".encode()
    assert await patch(gateway, path, wrong, **{"Upload-Checksum": right}) == 460
    assert (await offset(gateway, path)) == 0


@pytest.mark.parametrize(("digest", "status"), [(base64_of("sha-512"), 200), ("A" * 88, 400)])
async def test_a_content_digest_in_the_trailer_is_checked(
    gateway: Gateway, digest: str, status: int
) -> None:
    declared = {"name": "plays.csv", "size": len(BODY) + 1}
    response = await gateway.client.post("/api/v1/uploads", json=declared)
    path = response.headers["Location"]
    digest = digest[:-2] + "=="
    fields = {"Trailer": "Content-Digest"}
    trailer = f"Content-Digest: sha-512=:{digest}:\r\n".encode()
    assert await send(gateway, "PUT", f"{path}/chunks/0", fields, trailer) == status
    shown = await (await gateway.client.get(path)).json()
    assert shown["received_bytes"] == (len(BODY) if status == 200 else 0)


@pytest.mark.parametrize("complete", ["?0", "?1"])
@pytest.mark.parametrize("right", [True, False])
async def test_a_content_digest_in_the_trailer_of_an_ietf_append_is_checked(
    gateway: Gateway, right: bool, complete: str
) -> None:
    fields = {
        "Upload-Draft-Interop-Version": "8",
        "Upload-Complete": complete,
        "Trailer": "Content-Digest",
    }
    digest = base64_of("sha-512") if right else base64.b64encode(b"x" * 64).decode()
    trailer = f"Content-Digest: sha-512=:{digest}:\r\n".encode()
    created = await send(gateway, "POST", "/api/v1/uploads?name=a.csv", fields, trailer)
    assert created == (201 if right else 400)
    response = await gateway.client.post(
        "/api/v1/uploads?name=a.csv",
        headers={"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?0"},
    )
    path = response.headers["Location"]
    partial = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
    appended = await send(gateway, "PATCH", path, {**fields, **partial}, trailer)
    assert appended == (400 if not right else 204 if complete == "?0" else 201)
    view = await (await gateway.client.get(path)).json()
    assert view["received_bytes"] == (len(BODY) if right else 0)
