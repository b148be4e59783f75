"""Resumable uploads by the IETF draft, over connections that are cut at random bytes."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from yarl import URL

from csvmill.client import AsyncClient
from tests.chaos.proxy import Link
from tests.e2e.foreign.conftest import plays_file
from tests.interims import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment
    from tests.interims import Answer

CUTS = 8
VERSION = {"Upload-Draft-Interop-Version": "8"}
BROKEN = (OSError, EOFError)


class ResumingClient:
    """A client of the draft (4.2.1, 4.3.1, 4.4.1) that sends all remaining bytes at once."""

    def __init__(self, port: int, content: bytes) -> None:
        self.address = ("127.0.0.1", port)
        self._content = content
        self._key = uuid4().hex
        self.path = ""
        self.offsets: list[int] = []
        """The offset at which it resumed after each cut."""

    async def run(self) -> Answer:
        """Upload, resuming after errors. Return the response that completed the upload."""
        while not self.path:
            try:
                return await self._create()
            except BROKEN:
                continue
        while True:
            try:
                return await self._resume()
            except BROKEN:
                continue

    async def _create(self) -> Answer:
        async with Connection(self.address) as connection:
            try:
                headers = {
                    **VERSION, "Upload-Complete": "?1", "Content-Length": str(len(self._content)),
                    "Idempotency-Key": self._key,
                }  # fmt: skip
                await connection.send("POST /api/v1/uploads?name=plays.csv", headers, b"")
                self.path = (await connection.interim())["Location"]
                await connection.write(self._content)
                return await connection.answer()
            except BROKEN:
                connection.abort()
                raise

    async def _resume(self) -> Answer:
        async with Connection(self.address) as connection:
            try:
                await connection.send(f"HEAD {self.path}", VERSION, b"")
                head = await connection.answer(no_content=True)
                assert head.status == 204
                if head.headers["Upload-Complete"] == "?1":
                    return head
                offset = int(head.headers["Upload-Offset"])
                self.offsets.append(offset)
                rest = self._content[offset:]
                headers = {
                    **VERSION, "Upload-Complete": "?1", "Upload-Offset": str(offset),
                    "Content-Type": "application/partial-upload", "Content-Length": str(len(rest)),
                }  # fmt: skip
                await connection.send(f"PATCH {self.path}", headers, rest)
                return await connection.answer()
            except BROKEN:
                connection.abort()
                raise


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_upload_that_is_cut_at_random_bytes_is_resumed(
    deployment: Deployment, tmp_path: Path, seed: int
) -> None:
    expected = plays_file(tmp_path / "plays.csv", 60_000)
    content = await asyncio.to_thread((tmp_path / "plays.csv").read_bytes)
    draw = random.Random(seed)
    port = URL(deployment.url).port
    assert port
    async with Link("client to gateway", port).open() as link:
        uploader = ResumingClient(link.port, content)
        sending = asyncio.create_task(uploader.run())
        for _ in range(CUTS):
            link.cut(after=draw.randrange(300_000), reset=draw.random() < 0.5)
            severed = asyncio.create_task(link.severed())
            await asyncio.wait([severed, sending], timeout=30, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                severed.cancel()
                break
        async with asyncio.timeout(60):
            done = await sending
    assert link.cuts >= 3
    # Then acknowledged bytes were not sent again, and the file is intact
    assert uploader.offsets == sorted(uploader.offsets)
    job_id = done.headers["Csvmill-Job"].rpartition("/")[2]
    async with AsyncClient(deployment.url) as client:
        await client.wait(job_id, timeout=60)
        await client.download(job_id, tmp_path / "totals.csv")
    assert await asyncio.to_thread((tmp_path / "totals.csv").read_bytes) == expected


async def test_an_upload_is_resumed_after_every_process_was_killed(
    deployment: Deployment, tmp_path: Path
) -> None:
    expected = plays_file(tmp_path / "plays.csv", 1000)
    content = await asyncio.to_thread((tmp_path / "plays.csv").read_bytes)
    uploader = ResumingClient(URL(deployment.url).port or 0, content)
    # Given the acknowledged first bytes of a file, and that all processes were killed
    async with Connection(uploader.address) as connection:
        headers = {**VERSION, "Upload-Complete": "?0", "Content-Length": "1000"}
        await connection.send("POST /api/v1/uploads?name=a.csv", headers, content[:1000])
        uploader.path = (await connection.answer()).headers["Location"]
    await asyncio.to_thread(deployment.kill)
    await asyncio.to_thread(deployment.start)
    # When its client resumes, then it sends only the missing bytes
    uploader.address = ("127.0.0.1", URL(deployment.url).port or 0)
    done = await uploader.run()
    assert uploader.offsets == [1000]
    async with AsyncClient(deployment.url) as client:
        job_id = done.headers["Csvmill-Job"].rpartition("/")[2]
        await client.wait(job_id, timeout=60)
        await client.download(job_id, tmp_path / "totals.csv")
    assert await asyncio.to_thread((tmp_path / "totals.csv").read_bytes) == expected
