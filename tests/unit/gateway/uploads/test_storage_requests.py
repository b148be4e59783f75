"""A chunk costs one request to storage, in each protocol."""

from __future__ import annotations

import base64
import hashlib
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.uploads import header_check, write
from shared.blobs.client import HttpBlobs
from tests.blob_backends import TOKEN, storage_server
from tests.unit.gateway.conftest import PART_STORED
from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.unit.gateway.conftest import Gateway, Start

SPEC = json.dumps({"group_by": ["Song"]})
MIB = 1 << 20
SIZE = 10 * MIB
FIRST = (b"Song,Plays\n" + b"Umbrella,3\n" * MIB)[: 2 * MIB]
SECOND = FIRST[:MIB]


class CountedBlobs(HttpBlobs):
    """Records the requests that are sent to storage."""

    def __init__(self, url: str) -> None:
        super().__init__(url, TOKEN)
        self.requests: list[str] = []

    async def _send(self, method: str, path: str, **more: Any) -> Any:
        self.requests.append(f"{method} {path.rpartition('/')[0].rpartition('/')[2]}")
        return await super()._send(method, path, **more)


@pytest.fixture
async def blobs(gateway: Gateway, tmp_path: Path) -> AsyncIterator[CountedBlobs]:
    async with storage_server(tmp_path, gateway.blobs) as url, CountedBlobs(url) as counted:
        yield counted


@pytest.fixture
async def counted(start_gateway: Start, gateway: Gateway, blobs: CountedBlobs) -> Gateway:
    """A gateway whose storage is a service."""
    return await start_gateway(folder="a", blobs=lambda _: blobs, jobs=lambda _: gateway.jobs)


async def dropzone(gateway: Gateway) -> Callable[[int, bytes], Awaitable[None]]:
    async def send(offset: int, chunk: bytes) -> None:
        fields = (
            ("dzuuid", "u"),
            ("dzchunkbyteoffset", str(offset)),
            ("dzchunksize", str(2 * MIB)),
            ("dztotalfilesize", str(SIZE)),
            ("spec", SPEC),
        )
        form = FormBody.of(*fields, ("file", chunk, 'filename="plays.csv"'))
        assert await gateway.post(form) == (200, PART_STORED)

    return send


async def native(gateway: Gateway) -> Callable[[int, bytes], Awaitable[None]]:
    declared = {"name": "plays.csv", "size": SIZE, "aggregation": json.loads(SPEC)}
    created = await gateway.client.post("/api/v1/uploads", json=declared)

    async def send(offset: int, chunk: bytes) -> None:
        url = f"{created.headers['Location']}/chunks/{offset}"
        assert (await gateway.client.put(url, data=BytesIO(chunk))).status == 200

    return send


def tus(checksum: bool) -> Callable[[Gateway], Awaitable[Callable[[int, bytes], Awaitable[None]]]]:
    async def protocol(gateway: Gateway) -> Callable[[int, bytes], Awaitable[None]]:
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(SIZE),
            "Upload-Metadata": f"spec {base64.b64encode(SPEC.encode()).decode()}",
        }
        created = await gateway.client.post("/api/tus/", headers=headers)

        async def send(offset: int, chunk: bytes) -> None:
            sent = {
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            if checksum:
                digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
                sent["Upload-Checksum"] = f"sha256 {digest}"
            answer = await gateway.client.patch(
                created.headers["Location"], data=BytesIO(chunk), headers=sent
            )
            assert answer.status == 204

        return send

    return protocol


async def ietf(gateway: Gateway) -> Callable[[int, bytes], Awaitable[None]]:
    version = {"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?0"}
    created = await gateway.client.post(
        "/api/v1/uploads", params={"name": "plays.csv", "spec": SPEC}, headers=version
    )

    async def send(offset: int, chunk: bytes) -> None:
        sent = {"Upload-Offset": str(offset), "Content-Type": "application/partial-upload"}
        answer = await gateway.client.patch(
            created.headers["Location"], data=BytesIO(chunk), headers={**version, **sent}
        )
        assert answer.status == 204

    return send


PROTOCOLS = {
    "Dropzone": dropzone,
    "native": native,
    "tus": tus(checksum=False),
    "tus with checksum": tus(checksum=True),
    "IETF": ietf,
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys())
async def test_a_chunk_costs_one_request_to_storage(
    counted: Gateway, blobs: CountedBlobs, protocol: Any
) -> None:
    send = await protocol(counted)
    for offset, chunk in ((0, FIRST), (len(FIRST), SECOND)):
        blobs.requests.clear()
        await send(offset, chunk)
        assert blobs.requests == ["PUT writes"]


async def test_another_gateway_reads_the_header_once(
    start_gateway: Start, gateway: Gateway, counted: Gateway, blobs: CountedBlobs
) -> None:
    send = await native(counted)
    await send(0, FIRST)
    second = await start_gateway(folder="b", blobs=lambda _: blobs, jobs=lambda _: gateway.jobs)
    counted.client = second.client
    blobs.requests.clear()
    await send(len(FIRST), SECOND)
    await send(len(FIRST) + len(SECOND), SECOND)
    assert [each for each in blobs.requests if each.startswith("PUT")] == ["PUT writes"] * 2
    assert len(blobs.requests) == 3


async def test_the_spec_of_a_chunk_is_compared_as_text(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = await dropzone(gateway)
    await send(0, FIRST)

    def decode(_metadata: object) -> None:
        raise AssertionError("the spec is decoded")

    monkeypatch.setattr(write, "aggregation_of", decode)
    monkeypatch.setattr(header_check, "aggregation_of", decode)
    await send(len(FIRST), SECOND)


async def test_a_spec_that_another_version_has_encoded_differently_is_the_same_spec(
    gateway: Gateway,
) -> None:
    send = await dropzone(gateway)
    await send(0, FIRST)
    stored = await gateway.stored("u")
    assert stored is not None
    metadata = dict(stored.metadata)
    metadata["aggregation"] = json.dumps(json.loads(metadata["aggregation"]), indent=3)
    await gateway.blobs.delete(stored.key)
    await gateway.blobs.create(stored.key, SIZE, metadata=metadata)

    await send(0, FIRST)

    again = await gateway.stored("u")
    assert again is not None
    assert (again.prefix, again.metadata) == (len(FIRST), metadata)
