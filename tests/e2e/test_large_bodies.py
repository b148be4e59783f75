"""Files whose bytes go from the socket to the disk, in one request each."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.e2e.runs import HEADER
from tests.e2e.test_whole_uploads import (
    MIB,
    SIZE,
    check_result,
    write_large_file,
)
from tests.services import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone

UPLOADS = "/api/v1/uploads?name=plays.csv"
SENDERS = 6
"""More than the service has threads that copy from sockets to files."""


async def put(url: str, path: Path) -> tuple[int, dict[str, Any]]:
    """Send a file as `curl -T` does; return the status and the JSON of the answer."""
    async with aiohttp.ClientSession() as session:
        with path.open("rb") as file:
            async with session.put(url + UPLOADS, data=file) as response:
                return response.status, await response.json()


async def test_files_sent_at_the_same_time_have_their_own_bytes(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    url = shared_standalone.url
    lines = [f"song {'y' * 400} {number % 50},2026-01-01,1\n" for number in range(90_000)]
    other = tmp_path / "other.csv"
    other.write_text(HEADER + "".join(lines))
    expected = write_large_file(tmp_path / "plays.csv")
    answers = await asyncio.gather(
        *(put(url, tmp_path / "plays.csv") for _ in range(SENDERS)), put(url, other)
    )
    assert [status for status, _ in answers] == [201] * (SENDERS + 1)
    async with AsyncClient(url) as client:
        for _, answer in answers[:-1]:
            job_id = str(answer["job"]).rpartition("/")[2]
            await check_result(client, job_id, tmp_path, expected)
        job = await client.wait(str(answers[-1][1]["job"]).rpartition("/")[2])
        assert (job.rows_in, job.rows_out) == (len(lines), 50)


async def test_a_large_file_that_does_not_fit_its_spec_is_refused_early(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    write_large_file(tmp_path / "plays.csv")
    content = (tmp_path / "plays.csv").read_bytes()
    spec = {"group_by": ["Album"], "aggregates": [{"function": "count"}]}
    url = URL(shared_standalone.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    target = f"{UPLOADS}&spec={quote(json.dumps(spec))}"
    head = f"PUT {target} HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: {len(content)}\r\n\r\n"
    # The rest is never sent: the answer does not wait for it.
    writer.write(head.encode() + content[: len(content) // 2])
    answer = await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == (
        "urn:csvmill:problem:spec-mismatch"
    )


async def test_of_a_large_file_whose_sender_goes_away_what_arrived_is_kept(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    content = (tmp_path / "plays.csv").read_bytes()
    assert len(content) > SIZE
    key, sent = f"left {tmp_path}", 37 * MIB + 11
    host, port = shared_standalone.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f'PUT {UPLOADS} HTTP/1.1\r\nHost: {host}\r\nIdempotency-Key: "{key}"\r\n'
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:sent])
    await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    async with AsyncClient(shared_standalone.url) as client:

        async def all_arrived() -> bool:
            return (await client.upload_status(key)).received_bytes >= sent

        await until(all_arrived)
        upload = await client.upload_status(key)
        assert upload.missing == ((sent, len(content)),)
        job_id = await client.upload(tmp_path / "plays.csv", key=key)
        await check_result(client, job_id, tmp_path, expected)


@pytest.mark.parametrize("following", [1, 2])
async def test_requests_that_follow_a_large_body_are_not_taken_for_its_bytes(
    shared_standalone: Standalone, tmp_path: Path, following: int
) -> None:
    expected = write_large_file(tmp_path / "plays.csv")
    content = (tmp_path / "plays.csv").read_bytes()
    host, port = shared_standalone.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT {UPLOADS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n\r\n"
    next_one = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
    writer.write(head.encode() + content + next_one.encode() * following)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = next(
        int(line.partition(":")[2])
        for line in answer.splitlines()
        if line.lower().startswith("content-length:")
    )
    upload = json.loads(await reader.readexactly(size))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 201 ")
    async with AsyncClient(shared_standalone.url) as client:
        await check_result(client, upload["job"].rpartition("/")[2], tmp_path, expected)
