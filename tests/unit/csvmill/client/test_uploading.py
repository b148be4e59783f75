"""Uploads: chunks, lost chunks, and files that change."""

from __future__ import annotations

import base64
import hashlib
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from csvmill.client import ClientError, InputChanged, NotVerified, TransferProgress
from csvmill.client.uploading import MIN_CHUNK
from shared.blobs.byte_ranges import RangeSet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.csvmill.client.conftest import ClientOf

KIB = 1 << 10


class Server:
    """Keeps one upload in memory, and verifies each chunk like the real server."""

    def __init__(self, held: tuple[tuple[int, int], ...] = ()) -> None:
        self.received = RangeSet.of(held)
        self.content = bytearray()
        self.declared: dict[str, Any] = {}
        self.keys: list[str] = []
        self.chunks: list[tuple[int, int]] = []
        self.break_off: set[int] = set()
        """Numbers of chunks, from 0, during which the connection breaks."""
        self.names_job = True

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.keys.append(request.headers["Idempotency-Key"])
            self.declared = await request.json()
            self.content = self.content or bytearray(self.declared["size"])
            return web.json_response(self.view(), status=201)
        if request.method == "GET":
            return web.json_response(self.view())
        data = await request.read()
        offset = int(request.path.rpartition("/")[2])
        self.chunks.append((offset, len(data)))
        if len(self.chunks) - 1 in self.break_off:
            assert request.transport
            request.transport.abort()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        assert request.headers["Content-Digest"] == f"sha-256=:{digest}:"
        self.content[offset : offset + len(data)] = data
        self.received = self.received.add(offset, offset + len(data))
        self.names_job = True
        return web.json_response(self.view())

    def view(self) -> dict[str, Any]:
        size = self.declared["size"]
        missing = [[gap.start, gap.stop] for gap in self.received.missing(0, size)]
        return {
            "id": "u1", "name": self.declared["name"], "size": size, "sha256": None,
            "complete": not missing, "received_bytes": len(self.received), "missing": missing,
            "job": "/api/v1/jobs/j1" if not missing and self.names_job else None,
        }  # fmt: skip


CONTENT = random.Random(1).randbytes(1000 * KIB)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plays.csv"
    path.write_bytes(CONTENT)
    return path


async def test_every_chunk_is_sent_once_with_its_digest(client_of: ClientOf, file: Path) -> None:
    server = Server()
    seen: list[TransferProgress] = []
    async with client_of(server.handle) as client:
        job_id = await client.upload(
            file, key="k", name="other.csv", chunk_size=300 * KIB, progress=seen.append
        )
    assert job_id == "j1"
    assert (server.keys, server.declared) == (['"k"'], {"name": "other.csv", "size": 1000 * KIB})
    assert sorted(server.chunks) == [
        (0, 300 * KIB), (300 * KIB, 300 * KIB), (600 * KIB, 300 * KIB), (900 * KIB, 100 * KIB)
    ]  # fmt: skip
    assert bytes(server.content) == CONTENT
    assert seen[0] == TransferProgress(0, 1000 * KIB, 0)
    assert seen[-1] == TransferProgress(1000 * KIB, 1000 * KIB, 0)


async def test_only_missing_bytes_are_sent(client_of: ClientOf, file: Path) -> None:
    server = Server(held=((0, 100), (200 * KIB, 900 * KIB)))
    seen: list[TransferProgress] = []
    async with client_of(server.handle) as client:
        await client.upload(file, chunk_size=300 * KIB, progress=seen.append)
    assert sorted(server.chunks) == [(100, 200 * KIB - 100), (900 * KIB, 100 * KIB)]
    assert seen[0].done == seen[0].held == 700 * KIB + 100
    assert seen[-1].done == 1000 * KIB


async def test_a_lost_chunk_is_sent_again_in_halves(client_of: ClientOf, file: Path) -> None:
    server = Server()
    server.break_off = {0, 1, 2, 3, 4}
    seen: list[TransferProgress] = []
    async with client_of(server.handle) as client:
        await client.upload(file, chunk_size=800 * KIB, parallel=1, progress=seen.append)
    sizes = [size for _, size in server.chunks]
    # Halved down to the minimum, and doubled again after each success
    assert sizes[:6] == [800 * KIB, 400 * KIB, 200 * KIB, 100 * KIB, MIN_CHUNK, MIN_CHUNK]
    assert sizes[6:9] == [128 * KIB, 256 * KIB, 352 * KIB]
    assert bytes(server.content) == CONTENT
    assert seen[-1].done == 1000 * KIB


@pytest.mark.parametrize("size", [0, 5])
async def test_a_complete_upload_without_a_job_gets_one(
    client_of: ClientOf, tmp_path: Path, size: int
) -> None:
    # The gateway died between the last byte and the job, or the file is empty
    path = tmp_path / "plays.csv"
    path.write_bytes(b"x" * size)
    server = Server(held=((0, size),))
    server.names_job = False
    async with client_of(server.handle) as client:
        assert await client.upload(path, chunk_size=300 * KIB) == "j1"
    assert server.chunks == [(size, 0)]


async def test_a_file_that_changes_during_the_upload_is_refused(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()

    async def change(request: web.Request) -> web.Response:
        answer = await server.handle(request)
        if request.method == "PUT":
            os.utime(file, ns=(1, len(server.chunks)))
        return answer

    async with client_of(change) as client:
        with pytest.raises(InputChanged, match="changed during"):
            await client.upload(file, chunk_size=300 * KIB, parallel=1)
    assert len(server.chunks) == 1


async def test_a_key_of_another_file_is_refused(client_of: ClientOf, file: Path) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response(
            {"type": "urn:csvmill:problem:idempotency-key-reused", "title": "x"}, status=422
        )

    async with client_of(refuse) as client:
        with pytest.raises(InputChanged, match="key k"):
            await client.upload(file, key="k")


async def test_a_file_with_another_digest_is_not_verified(client_of: ClientOf, file: Path) -> None:
    server = Server()

    async def refuse(request: web.Request) -> web.Response:
        if request.method != "PUT":
            return await server.handle(request)
        await request.read()
        return web.json_response(
            {"type": "urn:csvmill:problem:digest-mismatch", "title": "not that"}, status=400
        )

    async with client_of(refuse) as client:
        with pytest.raises(NotVerified, match="not that"):
            await client.upload(file, chunk_size=8 << 20, sha256="0" * 64)
    assert server.declared["sha256"] == "0" * 64


async def test_a_chunk_that_arrived_damaged_is_sent_again(client_of: ClientOf, file: Path) -> None:
    server = Server()
    damaged = 2

    async def handler(request: web.Request) -> web.Response:
        nonlocal damaged
        if request.method == "PUT" and damaged:
            damaged -= 1
            await request.read()
            problem = {"type": "urn:csvmill:problem:chunk-digest-mismatch", "title": "x"}
            return web.json_response(problem, status=400)
        return await server.handle(request)

    async with client_of(handler) as client:
        assert await client.upload(file, chunk_size=8 << 20) == "j1"
    assert bytes(server.content) == CONTENT


async def test_chunks_that_were_lost_after_they_were_acknowledged_are_sent_again(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()
    lost = False

    async def lose_all_once(request: web.Request) -> web.Response:
        nonlocal lost
        if request.method == "GET" and not lost:
            lost, server.received = True, RangeSet()
        answer = await server.handle(request)
        if request.method == "PUT" and not lost:
            # The last chunk is missing as well, so that the client looks.
            server.received = RangeSet()
            answer = web.json_response(server.view())
        return answer

    async with client_of(lose_all_once) as client:
        assert await client.upload(file, chunk_size=8 << 20) == "j1"
    assert lost
    assert bytes(server.content) == CONTENT


async def test_a_server_that_loses_acknowledged_chunks_does_not_cause_an_endless_loop(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()

    async def forget(request: web.Request) -> web.Response:
        await server.handle(request)
        server.received = RangeSet()
        return web.json_response(server.view())

    async with client_of(forget) as client:
        with pytest.raises(ClientError, match="still misses"):
            await client.upload(file, chunk_size=8 << 20)


async def test_a_directory_or_device_is_refused(client_of: ClientOf, tmp_path: Path) -> None:
    server = Server()
    async with client_of(server.handle) as client:
        with pytest.raises(ClientError, match="not a regular file"):
            await client.upload(tmp_path)
        with pytest.raises(FileNotFoundError):
            await client.upload(tmp_path / "nothing")
    assert server.keys == []
