"""`PUT /api/v1/uploads?name=`: a whole file as the body, resumable afterwards."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from shared.errors import AppendLeaseLost
from tests.unit.gateway.native import content_digest, put, shown
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway, Start

URL = "/api/v1/uploads?name=big.csv"
CONTENT = random.Random(3).randbytes(300_000)
KEY = {"Idempotency-Key": "the-key"}


@pytest.mark.parametrize("size_known", [True, False])
async def test_a_whole_file_becomes_a_job_under_its_name(
    gateway: Gateway, size_known: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), 70_000):
            yield CONTENT[at : at + 70_000]

    response = await gateway.client.put(URL, data=CONTENT if size_known else pieces())
    view = await response.json()
    assert (response.status, view["complete"], view["name"]) == (201, True, "big.csv")
    assert response.headers["Location"] == f"/api/v1/uploads/{view['id']}"
    job = await (await gateway.client.get(response.headers["Csvmill-Job"])).json()
    assert (job["filename"], job["input_size"]) == ("big.csv", len(CONTENT))
    blob = await gateway.jobs.get(job["id"])
    assert await gateway.content(blob.inputs[0].key) == CONTENT


async def test_curl_uploads_a_file(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(CONTENT * 5)
    for source, name in ((str(tmp_path / "big.csv"), "known"), ("-", "unknown")):
        curl = await asyncio.create_subprocess_exec(
            "curl", "-sS", "-f", "-T", source, "-H", f"Idempotency-Key: {name}",
            str(gateway.client.make_url(URL)),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await curl.communicate(CONTENT * 5)
        assert curl.returncode == 0
        assert b'"complete": true' in output
        assert await gateway.content(upload_key(upload_id_of(name))) == CONTENT * 5


async def begin(gateway: Gateway, sent: bytes) -> asyncio.StreamWriter:
    """A connection that has sent the first part of the file, and then hangs."""
    _, writer = await asyncio.open_connection(*gateway.address)
    head = f"PUT {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CONTENT)}\r\n"
    writer.write(f"{head}Idempotency-Key: the-key\r\n\r\n".encode() + sent)
    await writer.drain()
    return writer


async def test_bytes_received_before_the_connection_broke_are_kept_and_the_rest_is_sent_as_chunks(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    writer = await begin(gateway, CONTENT[:200_000])
    await appends.taken(200_000)
    writer.transport.abort()
    await appends.ended(1)
    view = await shown(gateway, "/api/v1/uploads/the-key")
    assert (view["received"], view["size"]) == ([[0, 200_000]], len(CONTENT))
    done = await put(gateway, "/api/v1/uploads/the-key", 200_000, CONTENT[200_000:])
    assert (await done.json())["complete"]
    assert await gateway.content(upload_key(upload_id_of("the-key"))) == CONTENT


async def test_the_same_command_again_aborts_a_request_that_hangs(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    writer = await begin(gateway, CONTENT[:200_000])
    await appends.taken(200_000)
    response = await gateway.client.put(URL, data=CONTENT, headers=KEY)
    assert (await response.json())["complete"]
    await appends.ended(2)
    assert isinstance(appends.outcomes[0], AppendLeaseLost)
    assert await gateway.content(upload_key(upload_id_of("the-key"))) == CONTENT
    writer.close()
    # And once more, when the upload is complete
    again = await gateway.client.put(URL, data=CONTENT, headers=KEY)
    assert (again.status, (await again.json())["job"]) == (201, (await response.json())["job"])


async def test_a_shorter_file_of_unknown_size_does_not_complete_another_upload(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    # Given half of a file whose size is not known
    _, writer = await asyncio.open_connection(*gateway.address)
    head = f"PUT {URL} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    writer.write(f"{head}Idempotency-Key: the-key\r\n\r\n9\r\nabcdefghi".encode())
    await appends.taken(9)

    async def pieces(content: bytes) -> AsyncIterator[bytes]:
        yield content

    # When a shorter file is sent under the same name
    response = await gateway.client.put(URL, data=pieces(b"abc"), headers=KEY)
    # Then no job is created of a mixture of both
    await problem_of(response, 400, "chunk-out-of-bounds")
    assert gateway.bus.published == []
    whole = await gateway.client.put(URL, data=pieces(b"abcdefghijkl"), headers=KEY)
    assert (await whole.json())["size"] == 12
    assert await gateway.content(upload_key(upload_id_of("the-key"))) == b"abcdefghijkl"
    writer.close()


async def test_an_aborted_append_gets_an_error_and_its_connection_is_closed(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(
        f"PUT {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
        "Idempotency-Key: the-key\r\n\r\nabc".encode()
    )
    await appends.taken(3)
    await gateway.client.put(URL, data=b"abcdefghi", headers=KEY)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 409 ")
    assert b"urn:csvmill:problem:taken-over" in answer
    assert f"/api/v1/uploads/{upload_id_of('the-key')}".encode() in answer
    writer.close()


async def test_the_digest_of_the_file_is_checked_before_its_job_is_created(
    gateway: Gateway,
) -> None:
    headers = {"Content-Digest": content_digest(b"another"), **KEY}
    response = await gateway.client.put(URL, data=CONTENT, headers=headers)
    await problem_of(response, 400, "digest-mismatch")
    assert response.headers["Location"]
    assert (await shown(gateway, "/api/v1/uploads/the-key"))["received"] == []
    right = {"Content-Digest": content_digest(CONTENT)}
    assert (await gateway.client.put(URL, data=CONTENT, headers=right)).status == 201


@pytest.mark.parametrize(
    ("url", "headers", "named"),
    [
        ("/api/v1/uploads", {}, "name"),
        ("/api/v1/uploads?name=big/", {}, "name of the file"),
        (f"{URL}&aggregation=%7B%7D", {}, "unknown: aggregation"),
        (URL, {"Content-Digest": content_digest(b"x", "sha-512")}, "sha-256"),
    ],
)
async def test_a_malformed_request_is_refused(
    gateway: Gateway, url: str, headers: dict[str, str], named: str
) -> None:
    response = await gateway.client.put(url, data=b"x", headers=headers)
    assert named in (await problem_of(response, 400, "invalid-input"))["detail"]


@pytest.mark.parametrize("size_known", [True, False])
async def test_a_file_that_is_too_large_is_refused(start_gateway: Start, size_known: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 60
        yield b"x" * 60

    gateway = await start_gateway(max_upload_size=100)
    response = await gateway.client.put(URL, data=b"x" * 120 if size_known else pieces())
    await problem_of(response, 413, "upload-too-large")
    assert gateway.bus.published == []
