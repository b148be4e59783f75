"""A real storage process, run by `python -m storage`."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from yarl import URL

from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.blobs.client import HttpBlobs
from shared.blobs.protocol import chunk_path
from shared.errors import StorageUnavailable
from tests.blob_backends import TOKEN, read, stream
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from pathlib import Path

KEY = upload_key(UUID(int=1))
CHUNK = 90_000
PIECE = 15_000


def start(tmp_path: Path) -> ServiceProcess:
    env = {
        "CSVMILL_DATA_DIR": str(tmp_path / "data"),
        "CSVMILL_STORAGE_TOKEN": TOKEN,
        "CSVMILL_STORAGE_PORT": "0",
    }
    return ServiceProcess("storage", log_path=tmp_path / "storage.log", env=env)


async def test_acknowledged_bytes_survive_sigkill_and_no_others_are_reported(
    tmp_path: Path,
) -> None:
    content = random.Random(5).randbytes(200 * CHUNK - 17)
    offsets = list(range(0, len(content), CHUNK))
    acknowledged: set[int] = set()

    async def check(blobs: HttpBlobs) -> None:
        info = await blobs.info(KEY)
        for offset in acknowledged:
            assert info.received.covers(offset, min(offset + CHUNK, len(content)))
        for held in info.received:
            got = await read(blobs, KEY, held.start, held.stop)
            assert got == content[held.start : held.stop]

    for kill_after in (3, 40, 41, 100):
        todo = [offset for offset in offsets if offset not in acknowledged]
        random.Random(kill_after).shuffle(todo)
        with start(tmp_path) as process:
            async with HttpBlobs(process.url, TOKEN) as blobs:
                await blobs.create(KEY, len(content))
                await check(blobs)
                enough = asyncio.Event()
                goal = len(acknowledged) + kill_after

                async def send_until_killed(
                    todo: list[int] = todo,
                    blobs: HttpBlobs = blobs,
                    goal: int = goal,
                    enough: asyncio.Event = enough,
                ) -> None:
                    while todo:
                        offset = todo.pop()
                        chunk = content[offset : offset + CHUNK]
                        pieces = [chunk[at : at + PIECE] for at in range(0, len(chunk), PIECE)]
                        try:
                            await blobs.write(KEY, offset, stream(*pieces))
                        except StorageUnavailable:
                            return
                        acknowledged.add(offset)
                        if len(acknowledged) >= goal:
                            enough.set()

                senders = [asyncio.create_task(send_until_killed()) for _ in range(4)]
                await asyncio.wait_for(enough.wait(), 60)
                process.kill()
                await asyncio.gather(*senders)

    with start(tmp_path) as process:
        async with HttpBlobs(process.url, TOKEN) as blobs:
            await check(blobs)
        assert process.terminate(timeout=30) == 0
    # A restart without a kill finds the same.
    with start(tmp_path) as process:
        async with HttpBlobs(process.url, TOKEN) as blobs:
            await check(blobs)
            for offset in offsets:
                await blobs.write(KEY, offset, stream(content[offset : offset + CHUNK]))
            assert (await blobs.info(KEY)).complete
            assert await read(blobs, KEY) == content


async def test_a_killed_sender_leaves_no_range_behind(tmp_path: Path) -> None:
    keys = {
        "Content-Length: 2000000": KEY,
        "Transfer-Encoding: chunked": upload_key(UUID(int=2)),
    }
    with start(tmp_path) as process:
        async with HttpBlobs(process.url, TOKEN) as blobs:
            for framing, key in keys.items():
                await blobs.create(key, 2_000_000)
                url = URL(process.url)
                _, sender = await asyncio.open_connection(url.host, url.port)
                head = f"PUT {chunk_path(key, 0)} HTTP/1.1\r\nHost: storage\r\n{framing}\r\n"
                sender.write(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
                sender.write(b"1e8480\r\n" if "chunked" in framing else b"")
                sender.write(bytes(1_500_000))
                await sender.drain()
                sender.transport.abort()

                # A later chunk. When it is stored, the incomplete one has been handled.
                await blobs.write(key, 1_900_000, stream(bytes(100_000)))
            assert process.terminate(timeout=30) == 0

    with start(tmp_path) as process:
        async with HttpBlobs(process.url, TOKEN) as blobs:
            for key in keys.values():
                assert (await blobs.info(key)).received == RangeSet.of([(1_900_000, 2_000_000)])


async def test_a_second_process_on_the_same_folder_exits_with_the_reason(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        assert first.url
        with start(tmp_path) as second:
            assert second.wait(30) == 1
            assert f"in use by another storage process (pid {first.pid})" in second.tail()


@pytest.mark.parametrize("missing", ["CSVMILL_DATA_DIR", "CSVMILL_STORAGE_TOKEN"])
def test_a_process_names_the_settings_that_are_missing(tmp_path: Path, missing: str) -> None:
    env = {"CSVMILL_DATA_DIR": str(tmp_path), "CSVMILL_STORAGE_TOKEN": TOKEN, missing: ""}
    if missing == "CSVMILL_DATA_DIR":
        del env[missing]
    with ServiceProcess("storage", log_path=tmp_path / "log", env=env) as process:
        assert process.wait(30) == 1
        assert missing in process.tail()
