"""Text from outside that cannot be decoded or encoded is the client's fault: never a 5xx."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

FIELDS = (
    "Accept-Encoding", "Authorization", "Content-Digest", "Content-Disposition", "Content-Length",
    "Content-Type", "Cookie", "Forwarded", "Idempotency-Key", "If-Match", "If-Modified-Since",
    "If-Range", "Last-Event-ID", "Prefer", "Range", "Repr-Digest", "Trailer", "traceparent",
    "Upload-Checksum", "Upload-Complete", "Upload-Concat", "Upload-Defer-Length", "Upload-Length",
    "Upload-Metadata", "Upload-Offset", "Want-Content-Digest", "X-Forwarded-For", "X-Request-Id",
)  # fmt: skip
VALUES = (
    b"\xff",
    b'"\xff"',
    b"\xed\xa0\x80",
    b"filename YS5jc3Y=,x \xff",
    b"sha1 \xff",
    b"sha-256=:\xff:",
    b'attachment; filename="\xff.csv"',
    b"attachment; filename*=UTF-8''%ff%ed%a0%80.csv",
    b"bytes=0-" + b"9" * 5000,
    b"9" * 5000,
    "٣".encode(),
)
REQUESTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", "/api/tus/", {"Tus-Resumable": "1.0.0", "Upload-Length": "3"}),
    ("POST", "/api/v1/uploads?name=a.csv", {"Content-Type": "text/csv"}),
    ("POST", "/api/v1/uploads", {"Content-Type": "application/json"}),
    ("POST", "/api/upload_file", {"Content-Type": "multipart/form-data; boundary=b"}),
    ("GET", "/api/v1/jobs/{job}/result", {}),
    ("GET", "/api/v1/jobs/{job}", {}),
    ("GET", "/api/v1/jobs/{job}/events", {}),
)


def statuses(address: tuple[str, int], requests: list[bytes]) -> list[int]:
    """Send each request on its own connection; return the statuses."""
    found = []
    for request in requests:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            head = b""
            while b"\r\n" not in head and (piece := connection.recv(4096)):
                head += piece
            found.append(int(head.split()[1]) if head else 0)
    return found


@pytest.mark.parametrize(("method", "path", "headers"), REQUESTS)
async def test_no_header_field_makes_the_service_fail(
    gateway: Gateway, method: str, path: str, headers: dict[str, str]
) -> None:
    job = await gateway.finished_job(b"a\n1\n")
    requests = []
    for field in FIELDS:
        for value in VALUES:
            fields = {"Host": "x", "Content-Length": "0", **headers, "Connection": "close"}
            fields.pop(field, None)
            lines = [f"{method} {path.format(job=job.id)} HTTP/1.1"]
            lines += [f"{name}: {text}" for name, text in fields.items()]
            requests.append(
                "\r\n".join(lines).encode() + b"\r\n" + field.encode() + b": " + value + b"\r\n\r\n"
            )
    found = await asyncio.to_thread(statuses, gateway.address, requests)
    failed = [request for request, status in zip(requests, found, strict=True) if status >= 500]
    assert failed == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/uploads/%ff",
        "/api/v1/uploads/%ed%a0%80",
        "/api/v1/jobs/%00",
        "/api/v1/jobs?filename=%ff%ed%a0%80",
        "/api/v1/jobs?cursor=%ff",
        "/api/v1/jobs?limit=" + "9" * 5000,
        "/api/v1/jobs?created_after=9999999999999-01-01T00:00:00Z",
        "/api/v1/jobs/00000000-0000-0000-0000-000000000000?wait=" + "9" * 400,
        "/api/file_status/%ff",
        "/api/tus/%ff",
    ],
)
async def test_no_url_makes_the_service_fail(gateway: Gateway, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    (status,) = await asyncio.to_thread(statuses, gateway.address, [request])
    assert 200 <= status < 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud800.csv", "size": 3}',
        b'{"name": "a.csv", "size": ' + b"9" * 5000 + b"}",
        b'{"name": "a.csv", "size": 1e999999999}',
        b'{"name": "a.csv", "size": 3, "sha256": "\\udfff"}',
        b'{"name": "a.csv", "size": 3, "aggregation": {"group_by": ["\\ud800"]}}',
        b'{"name": "a.csv", "size": 3, "\\ud800": 1}',
        b'{"name": "a.csv", "size": 3, "aggregation": {"group_by": [{"name": "\\udc00"}]}}',
        b'{"name": "\xff.csv", "size": 3}',
        b"[" * 100_000,
        b"\xff\xfe{\x00}\x00",
    ],
)
async def test_no_json_makes_the_service_fail(gateway: Gateway, body: bytes) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads", data=body, headers={"Content-Type": "application/json"}
    )
    assert response.status < 500, await response.text()


@pytest.mark.parametrize(
    "declaration",
    [
        {"name": "\x01" * 150_000, "size": 1},
        {"x" * 900_000: 1},
        {"name": "a.csv", "size": 1, "sha256": "x" * 900_000},
        {"name": "a.csv", "size": "x" * 900_000},
    ],
    ids=["name", "field", "digest", "size"],
)
async def test_a_large_wrong_value_is_not_sent_back(
    gateway: Gateway, declaration: dict[str, object]
) -> None:
    # A name of a megabyte was answered with up to ten, held for each client that read slowly.
    response = await gateway.client.post("/api/v1/uploads", json=declaration)
    assert response.status == 400
    assert len(await response.read()) < 100_000


async def test_a_large_wrong_value_is_not_sent_back_outside_of_the_api(gateway: Gateway) -> None:
    form = {"dzuuid": "x", "spec": "[" + "\x01" * 60_000}
    response = await gateway.client.post("/api/upload_file", data=form)
    assert response.status == 400
    assert len(await response.read()) < 100_000


@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
async def test_a_part_of_a_form_with_many_semicolons_is_refused(gateway: Gateway) -> None:
    # Such a name took 37 ms to parse, and a form has 64 parts.
    name = b'form-data; name="a' + b";" * 7000 + b'"'
    body = b"--b\r\nContent-Disposition: " + name + b"\r\n\r\n1\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = await gateway.client.post("/api/upload_file", data=body, headers=headers)
    assert (response.status, (await response.json())["message"]) == (
        400,
        "the Content-Disposition of a part has more than 100 semicolons",
    )
