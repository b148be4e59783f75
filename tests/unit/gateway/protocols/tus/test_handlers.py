"""`/api/tus/`: the tus protocol 1.0.0."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import time
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tusclient.client import TusClient

from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.errors import AppendLeaseLost
from tests.blob_backends import TOKEN, storage_server

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import ClientResponse

    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway, Start

CONTENT = random.Random(4).randbytes(300_000)
SIZE = len(CONTENT)
SPOKEN = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


METADATA = {"Upload-Metadata": f"filename {encoded('Größe.csv')},filetype {encoded('text/csv')},x"}


async def ask(
    gateway: Gateway, method: str, path: str, status: int, /, data: Any = None, **headers: object
) -> ClientResponse:
    """Return the response; it must have that status and the version of the protocol."""
    fields = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    response = await gateway.client.request(method, path, data=data, headers={**SPOKEN, **fields})
    assert response.status == status, await response.text()
    assert response.headers["Tus-Resumable"] == "1.0.0"
    return response


async def created(gateway: Gateway, size: int | None = SIZE, /, **headers: Any) -> str:
    length = {"Upload_Defer_Length": 1} if size is None else {"Upload_Length": size}
    response = await ask(gateway, "POST", "/api/tus/", 201, **{**length, **headers})
    return response.headers["Location"]


async def patch(
    gateway: Gateway, path: str, offset: int, data: bytes, status: int = 204, **headers: object
) -> ClientResponse:
    fields = {**BYTES, "Upload_Offset": offset, **headers}
    return await ask(gateway, "PATCH", path, status, data, **fields)


async def offset_of(gateway: Gateway, path: str) -> int:
    return int((await ask(gateway, "HEAD", path, 200)).headers["Upload-Offset"])


async def content_of(gateway: Gateway, path: str) -> bytes:
    return await gateway.content(upload_key(UUID(path.rpartition("/")[2])))


# Core


async def test_a_file_sent_in_parts_becomes_a_job(gateway: Gateway) -> None:
    path = await created(gateway, **METADATA)
    half = await patch(gateway, path, 0, CONTENT[:100_000])
    assert half.headers["Upload-Offset"] == "100000"
    assert "Csvmill-Job" not in half.headers
    last = await patch(gateway, path, 100_000, CONTENT[100_000:])
    assert last.headers["Upload-Offset"] == str(SIZE)
    job = await (await gateway.client.get(last.headers["Csvmill-Job"])).json()
    assert (job["filename"], job["input_size"], job["state"]) == ("Größe.csv", SIZE, "PENDING")
    assert await content_of(gateway, path) == CONTENT


async def test_head_returns_offset_length_and_metadata(gateway: Gateway) -> None:
    path = await created(gateway, **METADATA)
    await patch(gateway, path, 0, CONTENT[:7])
    headers = (await ask(gateway, "HEAD", path, 200)).headers
    assert (headers["Upload-Offset"], headers["Upload-Length"]) == ("7", str(SIZE))
    assert headers["Upload-Metadata"] == METADATA["Upload-Metadata"]
    assert headers["Cache-Control"] == "no-store"
    expires = parsedate_to_datetime(headers["Upload-Expires"]).timestamp()
    assert expires == pytest.approx(time.time() + 86_400, abs=60)


async def test_options_list_versions_extensions_and_limits(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=12_345)
    response = await gateway.client.options("/api/tus/")
    assert response.status == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert response.headers["Tus-Max-Size"] == "12345"
    assert response.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512,md5,crc32"
    assert set(response.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "creation-defer-length", "checksum",
        "checksum-trailer", "expiration", "termination", "concatenation",
    }  # fmt: skip


@pytest.mark.parametrize("version", [None, "0.2.2"])
async def test_another_version_is_refused(gateway: Gateway, version: str | None) -> None:
    headers = {} if version is None else {"Tus-Resumable": version}
    response = await gateway.client.post("/api/tus/", headers={"Upload-Length": "1", **headers})
    assert (response.status, response.headers["Tus-Version"]) == (412, "1.0.0")


async def test_bytes_for_another_offset_are_refused(gateway: Gateway) -> None:
    path = await created(gateway)
    await patch(gateway, path, 0, b"abc")
    for offset in (0, 2, 4):
        await patch(gateway, path, offset, b"xyz", 409)
    assert await offset_of(gateway, path) == 3


async def test_bytes_of_another_type_or_without_an_offset_are_refused(gateway: Gateway) -> None:
    path = await created(gateway)
    await ask(gateway, "PATCH", path, 415, b"x", Upload_Offset=0)
    await ask(gateway, "PATCH", path, 400, b"x", **BYTES)
    for offset in ("-1", "x", "1" * 19):
        await ask(gateway, "PATCH", path, 400, b"x", Upload_Offset=offset, **BYTES)
    assert await offset_of(gateway, path) == 0


@pytest.mark.parametrize("name", [str(UUID(int=1)), "nonsense"])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
async def test_an_unknown_upload_is_not_found(gateway: Gateway, method: str, name: str) -> None:
    await ask(gateway, method, f"/api/tus/{name}", 404, Upload_Offset=0, **BYTES)


async def test_the_method_may_be_in_a_header(gateway: Gateway) -> None:
    path = await created(gateway)
    override = "X-HTTP-Method-Override"
    await ask(gateway, "POST", path, 204, b"abc", Upload_Offset=0, **BYTES, **{override: "PATCH"})
    assert await offset_of(gateway, path) == 3
    await ask(gateway, "POST", path, 204, **{override: "DELETE"})
    await ask(gateway, "HEAD", path, 404)
    refused = await ask(gateway, "POST", path, 405)
    assert refused.headers["Allow"] == "DELETE,HEAD,OPTIONS,PATCH"


async def test_the_method_in_the_header_overrides_the_actual_one(gateway: Gateway) -> None:
    override = "X-HTTP-Method-Override"
    await ask(gateway, "POST", "/api/tus/", 405, Upload_Length=3, **{override: "PATCH"})
    path = await created(gateway, 3, **{override: "POST"})
    fields = {"Upload_Offset": 0, **BYTES, override: "PATCH"}
    await ask(gateway, "DELETE", path, 204, b"ab", **fields)
    assert await offset_of(gateway, path) == 2
    await ask(gateway, "DELETE", path, 405, **{override: "POST"})
    assert await offset_of(gateway, path) == 2
    await ask(gateway, "PATCH", path, 204, b"c", **{**fields, override: "delete"})
    await ask(gateway, "HEAD", path, 404)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "delete "])
async def test_a_request_that_changes_nothing_is_not_overridden(
    gateway: Gateway, method: str
) -> None:
    """Its scope and its origin were checked as those of `HEAD`."""
    path = await created(gateway, 3)
    fields = {"Upload_Offset": 0, **BYTES, "X-HTTP-Method-Override": method}
    await ask(gateway, "HEAD", path, 405, **fields)
    assert await offset_of(gateway, path) == 0


# Creation


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload_Length": "-1"},
        {"Upload_Length": "x"},
        {"Upload_Length": 1, "Upload_Defer_Length": 1},
        {"Upload_Defer_Length": 2},
        {"Upload_Length": 1, "Upload_Metadata": "filename ###"},
        {"Upload_Length": 1, "Upload_Metadata": "a YQ==,a YQ=="},
        {"Upload_Length": 1, "Upload_Metadata": "other ###"},
        {"Upload_Length": 1, "Upload_Metadata": "filename /w=="},
        {"Upload_Length": 1, "Upload_Metadata": "spec /w=="},
        {"Upload_Length": 1, "Upload_Metadata": f"filename {encoded('a/..')}"},
        {"Upload_Length": 1, "Upload_Concat": "half"},
        {"Upload_Concat": "final;"},
        {"Upload_Concat": "final;/api/tus/x"},
    ],
)
async def test_a_malformed_creation_is_refused(
    gateway: Gateway, headers: dict[str, object]
) -> None:
    await ask(gateway, "POST", "/api/tus/", 400, **headers)


async def test_a_file_that_is_too_large_is_refused(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=100)
    await ask(gateway, "POST", "/api/tus/", 413, Upload_Length=101)
    path = await created(gateway, None)
    await patch(gateway, path, 0, b"x" * 101, 413)
    await patch(gateway, path, await offset_of(gateway, path), b"", 413, Upload_Length=101)


async def test_a_creation_may_contain_bytes(gateway: Gateway) -> None:
    response = await ask(
        gateway, "POST", "/api/tus/", 201, CONTENT[:9], Upload_Length=SIZE, **BYTES
    )
    assert response.headers["Upload-Offset"] == "9"
    whole = await ask(gateway, "POST", "/api/tus", 201, CONTENT, Upload_Length=SIZE, **BYTES)
    assert whole.headers["Csvmill-Job"]


async def test_the_length_may_be_declared_with_the_last_bytes(gateway: Gateway) -> None:
    path = await created(gateway, None)
    await patch(gateway, path, 0, CONTENT[:9])
    headers = (await ask(gateway, "HEAD", path, 200)).headers
    assert headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in headers
    last = await patch(gateway, path, 9, CONTENT[9:], Upload_Length=SIZE)
    assert last.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == CONTENT


async def test_the_length_cannot_be_declared_twice_differently(gateway: Gateway) -> None:
    path = await created(gateway, None)
    await patch(gateway, path, 0, b"abc", Upload_Length=10)
    await patch(gateway, path, 3, b"", 400, Upload_Length=11)
    assert (await ask(gateway, "HEAD", path, 200)).headers["Upload-Length"] == "10"


# Broken connections


async def hanging(gateway: Gateway, path: str, sent: bytes) -> asyncio.StreamWriter:
    """A connection that has sent some bytes, and then hangs."""
    _, writer = await asyncio.open_connection(*gateway.address)
    head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
    head += f"Content-Type: {BYTES['Content-Type']}\r\nContent-Length: {SIZE}\r\n\r\n"
    writer.write(head.encode() + sent)
    await writer.drain()
    return writer


async def test_bytes_received_before_the_connection_broke_are_kept(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    writer = await hanging(gateway, path, CONTENT[:200_000])
    await appends.taken(200_000)
    writer.transport.abort()
    await appends.ended(1)
    assert await offset_of(gateway, path) == 200_000
    await patch(gateway, path, 200_000, CONTENT[200_000:])
    assert await content_of(gateway, path) == CONTENT


async def test_a_new_request_aborts_an_append_that_hangs(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    writer = await hanging(gateway, path, CONTENT[:200_000])
    await appends.taken(200_000)
    assert await offset_of(gateway, path) == 200_000
    await appends.ended(1)
    assert isinstance(appends.outcomes[0], AppendLeaseLost)
    await patch(gateway, path, 200_000, CONTENT[200_000:])
    assert await content_of(gateway, path) == CONTENT
    writer.close()


async def test_a_request_on_another_gateway_aborts_an_append_that_hangs(
    start_gateway: Start, gateway: Gateway, appends: AppendingBlobs, tmp_path: Path
) -> None:
    # Given two gateways that share storage, over HTTP, and the database
    async with (
        storage_server(tmp_path, appends) as url,
        HttpBlobs(url, TOKEN) as one,
        HttpBlobs(url, TOKEN) as other,
    ):
        first = await start_gateway(folder="a", blobs=lambda _: one, jobs=lambda _: gateway.jobs)
        second = await start_gateway(folder="b", blobs=lambda _: other, jobs=lambda _: gateway.jobs)
        path = await created(first)
        # When the connection to one of them hangs
        hung = await hanging(first, path, CONTENT[:200_000])
        await appends.taken(200_000)
        # Then the other has the right offset at once, and takes the rest
        assert await offset_of(second, path) == 200_000
        last = await patch(second, path, 200_000, CONTENT[200_000:])
        assert last.headers["Csvmill-Job"]
        assert await content_of(gateway, path) == CONTENT
        await appends.ended(2)
        assert isinstance(appends.outcomes[0], AppendLeaseLost)
        hung.close()


async def test_a_complete_upload_without_a_job_gets_one_when_it_is_requested(
    gateway: Gateway,
) -> None:
    path = await created(gateway, 3)

    async def data() -> Any:
        yield b"abc"

    await gateway.blobs.write(upload_key(UUID(path.rpartition("/")[2])), 0, data())
    assert (await ask(gateway, "HEAD", path, 200)).headers["Csvmill-Job"]


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=8))
async def test_the_offset_is_always_the_number_of_stored_bytes(
    gateway: Gateway, steps: list[tuple[int, bool]]
) -> None:
    content = CONTENT[:100]
    path = await created(gateway, 100)
    at = 0
    for length, right in steps:
        body = content[at : at + length]
        checksum = encoded(hashlib.sha1(body if right else body + b"x").digest())  # noqa: S324
        status = 204 if right else 460
        await patch(gateway, path, at, body, status, Upload_Checksum=f"sha1 {checksum}")
        at += len(body) if right else 0
        assert await offset_of(gateway, path) == at
    last = await patch(gateway, path, at, content[at:])
    assert last.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == content


# A foreign client, other protocols, pages


@pytest.mark.parametrize("checksum", [True, False])
async def test_tuspy_uploads_and_resumes(gateway: Gateway, checksum: bool) -> None:
    def upload(url: str | None, stop_at: int | None) -> str:
        client = TusClient(str(gateway.client.make_url("/api/tus/")))
        uploader = client.uploader(
            file_stream=BytesIO(CONTENT), chunk_size=70_000, metadata={"filename": "big.csv"},
            upload_checksum=checksum, url=url,
        )  # fmt: skip
        uploader.upload(stop_at=stop_at)
        return str(uploader.url)

    url = await asyncio.to_thread(upload, None, 140_000)
    path = "/api/tus/" + url.rpartition("/")[2]
    assert await offset_of(gateway, path) == 140_000
    assert await asyncio.to_thread(upload, url, None) == url
    assert await content_of(gateway, path) == CONTENT
    assert len(gateway.bus.published) == 1


async def test_an_upload_is_shown_and_cancelled_in_v1(gateway: Gateway) -> None:
    path = await created(gateway, None)
    await patch(gateway, path, 0, b"abc")
    v1 = path.replace("/api/tus/", "/api/v1/uploads/")
    view = await (await gateway.client.get(v1)).json()
    assert (view["size"], view["received"], view["complete"]) == (None, [[0, 3]], False)
    assert (await gateway.client.delete(v1)).status == 204
    await ask(gateway, "HEAD", path, 404)


async def test_the_protocol_is_allowed_across_origins(start_gateway: Start) -> None:
    gateway = await start_gateway(cors_origins="https://page.example")
    preflight = await gateway.client.options(
        "/api/tus/x",
        headers={"Origin": "https://page.example", "Access-Control-Request-Method": "PATCH"},
    )
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"].split(", ")
    response = await ask(
        gateway, "POST", "/api/tus/", 201, Upload_Length=1, Origin="https://page.example"
    )
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Upload-Offset", "Location", "Csvmill-Job", "Upload-Expires"} <= set(exposed)
