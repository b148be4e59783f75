"""Uploads to a server on this machine: one request, continued where it broke."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from csvmill.client import BadRows, InputChanged, ServerUnavailable, TransferProgress

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.csvmill.client.conftest import ClientOf

KIB = 1 << 10
SIZE = 3000 * KIB
CONTENT = random.Random(1).randbytes(SIZE)


class Server:
    """Keeps one upload in memory, as the real server keeps what arrives."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.names_job = True
        self.content = bytearray()
        self.requests: list[tuple[str, int]] = []
        """Method and offset of each request but the creation."""
        self.break_at: list[int] = []
        """After how many bytes the connection of each append breaks."""
        self.lost_answers = 0
        self.refusals: list[web.Response] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            return web.json_response(self.view(), status=201)
        self.requests.append((request.method, len(self.content)))
        if request.method == "PUT":
            assert request.path.endswith(f"/chunks/{self.size}")
            assert await request.read() == b""
            self.names_job = True
            return web.json_response(self.view())
        if request.method in ("GET", "HEAD"):
            return web.json_response(self.view())
        assert request.content_type == "application/partial-upload"
        assert request.headers["Upload-Offset"] == str(len(self.content))
        assert request.headers["Upload-Complete"] == "?1"
        assert request.content_length == SIZE - len(self.content)
        if self.refusals:
            return self.refusals.pop(0)
        limit = self.break_at.pop(0) if self.break_at else SIZE
        async for piece in request.content.iter_any():
            self.content += piece[:limit]
            limit -= len(piece)
            if limit <= 0 and len(self.content) < SIZE:
                break
        if len(self.content) < SIZE or self.lost_answers:
            self.lost_answers -= 1
            assert request.transport
            request.transport.abort()
        return web.json_response(self.view(), status=201)

    def view(self) -> dict[str, Any]:
        done = len(self.content)
        return {
            "id": "u1", "name": "plays.csv", "size": self.size, "sha256": None,
            "complete": done == self.size, "received_bytes": done,
            "missing": [[done, self.size]] if done < self.size else [],
            "job": "/api/v1/jobs/j1" if done == self.size and self.names_job else None,
        }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plays.csv"
    path.write_bytes(CONTENT)
    return path


async def test_the_file_goes_in_one_request(client_of: ClientOf, file: Path) -> None:
    server = Server()
    seen: list[TransferProgress] = []
    async with client_of(server.handle) as client:
        assert await client.upload(file, progress=seen.append) == "j1"
    assert server.requests == [("PATCH", 0)]
    assert server.content == CONTENT
    assert seen[0] == TransferProgress(0, SIZE, 0)
    assert seen[-1] == TransferProgress(SIZE, SIZE, 0)
    done = [progress.done for progress in seen]
    assert done == sorted(done)


async def test_a_broken_connection_is_continued_at_the_offset_that_was_reached(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()
    server.break_at = [1000 * KIB, 500 * KIB + 3]
    seen: list[TransferProgress] = []
    async with client_of(server.handle) as client:
        assert await client.upload(file, progress=seen.append) == "j1"
    assert server.content == CONTENT
    offsets = [offset for method, offset in server.requests if method == "PATCH"]
    assert offsets == [0, 1000 * KIB, 1500 * KIB + 3]
    assert seen[-1] == TransferProgress(SIZE, SIZE, 0)


async def test_an_upload_may_need_more_connections_than_there_are_retries(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()
    server.break_at = [200 * KIB] * 14
    async with client_of(server.handle) as client:
        assert await client.upload(file) == "j1"
    assert server.content == CONTENT


async def test_an_upload_that_does_not_grow_ends(client_of: ClientOf, file: Path) -> None:
    server = Server()
    server.break_at = [0] * 100
    async with client_of(server.handle) as client:
        with pytest.raises(ServerUnavailable):
            await client.upload(file)
    assert [method for method, _ in server.requests].count("PATCH") == 8


async def test_a_lost_answer_is_fetched_and_no_byte_sent_again(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()
    server.lost_answers = 1
    async with client_of(server.handle) as client:
        assert await client.upload(file) == "j1"
    assert [method for method, _ in server.requests] == ["PATCH", "HEAD", "GET"]


async def test_the_job_is_found_although_the_bytes_of_a_lost_answer_are_gone(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()
    server.lost_answers = 1

    async def gone(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.json_response({"title": "gone"}, status=410)
        return await server.handle(request)

    async with client_of(gone) as client:
        assert await client.upload(file) == "j1"
    assert [method for method, _ in server.requests] == ["PATCH", "GET"]


@pytest.mark.parametrize("size", [0, 5])
async def test_a_complete_upload_without_a_job_gets_one(
    client_of: ClientOf, tmp_path: Path, size: int
) -> None:
    # The gateway died between the last byte and the job, or the file is empty
    path = tmp_path / "plays.csv"
    path.write_bytes(b"x" * size)
    server = Server(size)
    server.content, server.names_job = bytearray(b"x" * size), False
    async with client_of(server.handle) as client:
        assert await client.upload(path) == "j1"
    assert server.requests == [("PUT", size)]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (503, "about:blank"),
        (409, "urn:csvmill:problem:taken-over"),
        (409, "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"),
        (400, "https://iana.org/assignments/http-problem-types#completed-upload"),
        (400, "https://iana.org/assignments/http-problem-types#inconsistent-upload-length"),
        (410, "urn:csvmill:problem:upload-gone"),
    ],
)
async def test_a_temporary_refusal_is_repeated(
    client_of: ClientOf, file: Path, status: int, problem: str
) -> None:
    server = Server()
    server.refusals = [
        web.json_response(
            {"type": problem, "title": "x"}, status=status, headers={"Retry-After": "0"}
        )
    ]
    async with client_of(server.handle) as client:
        assert await client.upload(file) == "j1"
    assert server.content == CONTENT


async def test_bad_rows_end_the_upload(client_of: ClientOf, file: Path) -> None:
    server = Server()
    server.refusals = [
        web.json_response({"type": "urn:csvmill:problem:bad-rows-found", "title": "x"}, status=422)
    ]
    async with client_of(server.handle) as client:
        with pytest.raises(BadRows):
            await client.upload(file, fail_early=True)
    assert server.requests == [("PATCH", 0)]


async def test_the_last_bytes_of_a_file_that_changes_are_not_sent(
    client_of: ClientOf, file: Path
) -> None:
    server = Server()

    async def change(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH":
            os.utime(file, ns=(1, 2))
        return await server.handle(request)

    async with client_of(change) as client:
        os.utime(file, ns=(1, 1))
        with pytest.raises(InputChanged, match="changed during"):
            # What is in flight when the file changes is not known, but it is not all.
            await client.upload(file, progress=lambda seen: _touch(file, seen))
    assert len(server.content) < SIZE


def _touch(file: Path, seen: TransferProgress) -> None:
    os.utime(file, ns=(1, seen.done + 2))


async def test_a_file_that_ends_early_is_reported(client_of: ClientOf, file: Path) -> None:
    server = Server()

    async def shorten(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            os.truncate(file, SIZE - 500 * KIB)
        return await server.handle(request)

    async with client_of(shorten) as client:
        with pytest.raises(InputChanged, match="changed during"):
            await client.upload(file)
    assert len(server.content) < SIZE
