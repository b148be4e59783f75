"""Requests that are answered before their body was read: by their head alone, or by its start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from psutil import Process

from tests.interims import Connection
from tests.stubborn import stubborn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.gateway.conftest import Gateway, Start

WAITS = {"Expect": "100-continue"}
IETF = {"Upload-Draft-Interop-Version": "8", "Content-Type": "application/partial-upload"}
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
LARGE = 20_000_000
MISFIT = quote('{"group_by":["zzz"],"aggregates":[{"function":"count"}]}')
UPLOAD = "/api/v1/uploads/0b6f8f0c-52a1-4d3f-9a3e-3a5d0c1f2b47"

REFUSED_BY_HEAD: list[tuple[str, Mapping[str, str], int]] = [
    ("POST /api/v1/nothing", {}, 404),
    ("POST /nothing", {}, 404),
    ("PATCH /api/v1/jobs", {}, 405),
    ("PUT /api/v1/uploads", {}, 400),
    ("PUT /api/v1/uploads?name=a.csv&spec=%7B", {}, 400),
    ("PUT /api/v1/uploads?name=a.csv&spec=x", {}, 404),
    ("PUT /api/v1/uploads?name=a.csv", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ("PUT /api/v1/uploads?name=a.csv", {"Content-Encoding": "gzip"}, 415),
    ("PUT /api/v1/uploads?name=a.csv", {"Content-Range": "bytes 5-9/100"}, 400),
    ("PUT /api/v1/uploads?name=a.csv", {"Content-Length": str(1 << 50)}, 413),
    ("PUT /api/v1/uploads?name=a.csv", {"Content-Digest": "x"}, 400),
    ("PUT /api/v1/uploads?name=a.csv", {"Idempotency-Key": '"'}, 400),
    (f"PUT {UPLOAD}/chunks/0", {}, 404),
    (f"PUT {UPLOAD}/chunks/x", {}, 400),
    (f"PATCH {UPLOAD}", {**IETF, "Upload-Offset": "0", "Upload-Complete": "?1"}, 404),
    (f"PATCH {UPLOAD}", {}, 415),
    ("POST /api/upload_file", {"Content-Type": "text/csv"}, 400),
    ("POST /api/tus/", {**TUS, "Upload-Length": str(1 << 50)}, 413),
    (
        "PATCH /api/tus/0b6f8f0c-52a1-4d3f-9a3e-3a5d0c1f2b47",
        {**TUS, "Upload-Offset": "0"},
        404,
    ),
    (
        "PATCH /api/tus/0b6f8f0c-52a1-4d3f-9a3e-3a5d0c1f2b47",
        {"Tus-Resumable": "0.1"},
        412,
    ),
    ("POST /api/v1/inspections", {"Content-Type": "text/csv"}, 400),
]


@pytest.mark.parametrize(("line", "fields", "status"), REFUSED_BY_HEAD)
async def test_what_the_head_refuses_is_refused_without_an_invitation(
    gateway: Gateway, line: str, fields: Mapping[str, str], status: int
) -> None:
    sent = {"Content-Length": str(LARGE), **fields, **WAITS}
    async with Connection(gateway.address) as connection:
        await connection.send(line, sent, b"")
        answer = await connection.answer()  # which is no 100
    assert answer.status == status, answer.body
    assert answer.headers["Connection"] == "close"  # the client may send the body or not


async def test_a_body_that_is_read_is_invited_once(gateway: Gateway) -> None:
    for line, fields, body in (
        ("PUT /api/v1/uploads?name=a.csv", {}, b"a,b"),
        ("POST /api/v1/uploads", {"Content-Type": "application/json"}, b'{"name":"a","size":3}'),
    ):
        sent = {"Content-Length": str(len(body)), **fields, **WAITS}
        async with Connection(gateway.address) as connection:
            await connection.send(line, sent, b"")
            await connection.invited()
            await connection.write(body)
            answer = await connection.answer()
            assert answer.status == 201
            # The connection is as good as before
            await connection.send("GET /healthz", {}, b"")
            assert (await connection.answer()).status == 200


async def test_a_client_that_does_not_wait_is_not_invited(gateway: Gateway) -> None:
    body = b'{"name":"a","size":3}'
    sent = {"Content-Length": str(len(body)), "Content-Type": "application/json", **WAITS}
    async with Connection(gateway.address) as connection:
        await connection.send("POST /api/v1/uploads", sent, body)
        assert (await connection.answer()).status == 201


async def test_another_expectation_is_refused(gateway: Gateway) -> None:
    async with Connection(gateway.address) as connection:
        await connection.send("GET /api/v1/jobs", {"Expect": "miracles"}, b"")
        assert (await connection.answer()).status == 417


@pytest.mark.parametrize("size", [LARGE, 100_000_000])
@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("PUT /api/v1/uploads?name=a.csv HTTP/1.1\r\nContent-Encoding: gzip", 415),
        ("PUT /api/v1/uploads?name= HTTP/1.1", 400),
        ("PUT /nothing HTTP/1.1", 404),
        ("PUT /api/v1/uploads?name=a.csv HTTP/1.1\r\nOrigin: http://evil.example", 403),
        ("PUT /api/v1/uploads?name=a.csv HTTP/1.1\r\nContent-Digest: x", 400),
        # Refused by its first bytes, in the middle of the body
        (f"PUT /api/v1/uploads?name=a.csv&spec={MISFIT} HTTP/1.1", 422),
    ],
)
async def test_an_early_answer_is_read_by_a_client_that_sends_on(
    gateway: Gateway, head: str, status: int, size: int
) -> None:
    answer = await asyncio.to_thread(stubborn, gateway.address, head, size)
    assert answer.split()[1] == str(status).encode(), answer[:400]


async def test_an_answer_without_a_key_is_read_too(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="keys")
    head = "PUT /api/v1/uploads?name=a.csv HTTP/1.1"
    answer = await asyncio.to_thread(stubborn, gateway.address, head, LARGE)
    assert answer.split()[1] == b"401"


async def test_a_head_that_is_refused_is_answered_to_a_client_that_sends_on(
    gateway: Gateway,
) -> None:
    head = "PUT /" + "x" * 100_000 + " HTTP/1.1"
    answer = await asyncio.to_thread(stubborn, gateway.address, head, LARGE)
    assert answer.split()[1] == b"414"


async def test_connections_that_linger_hold_little(gateway: Gateway) -> None:
    head = "PUT /api/v1/uploads?name= HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    before = Process().memory_info().rss
    opened = []
    for _ in range(200):
        reader, writer = await asyncio.open_connection(*gateway.address)
        opened.append(writer)
        writer.write(head.encode())
        assert await reader.read(12) == b"HTTP/1.1 400"
    # Each end of them is in this process: some 100 KB
    assert Process().memory_info().rss - before < 200 * 400_000
    for writer in opened:
        writer.close()
