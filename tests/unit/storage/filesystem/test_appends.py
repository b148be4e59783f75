"""Portions of an append are recorded while the next one is received."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from shared.errors import StorageFull
from storage.filesystem import appender
from storage.filesystem.appender import PORTION, Appender
from storage.filesystem.blob import Blob
from tests.blob_backends import read, stream
from tests.unit.storage.filesystem.blobs import KEY, MIB, ranges

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from storage.filesystem.blobs import FilesystemBlobs

CONTENT = random.Random(4).randbytes(3 * PORTION)


class Records:
    """Holds back records of received ranges, or makes them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = asyncio.Event()
        self.allowed = asyncio.Event()
        self.error: Exception | None = None
        record = Blob.record

        async def held(blob: Blob, start: int, stop: int, fd: int) -> None:
            self.begun.set()
            await self.allowed.wait()
            if self.error is not None:
                raise self.error
            await record(blob, start, stop, fd)

        monkeypatch.setattr(Blob, "record", held)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    return Records(monkeypatch)


class Source:
    """Yields a file piece by piece, and counts."""

    def __init__(self) -> None:
        self.sent = 0
        self.passed = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), MIB):
            self.sent = at + MIB
            if self.sent > PORTION + 2 * MIB:
                self.passed.set()
            yield CONTENT[at : at + MIB]


async def test_the_next_portion_is_received_while_one_is_recorded(
    blobs: FilesystemBlobs, records: Records
) -> None:
    await blobs.create(KEY, len(CONTENT))
    source = Source()
    appending = asyncio.create_task(blobs.append(KEY, 0, source.pieces()))
    await records.begun.wait()
    await source.passed.wait()

    assert (await blobs.peek(KEY)).received == ranges()
    # No more than one portion is received ahead.
    await asyncio.sleep(0.05)
    assert source.sent <= 2 * PORTION
    records.allowed.set()
    assert (await appending).complete
    assert await read(blobs, KEY) == CONTENT


async def test_an_append_ends_soon_after_a_portion_was_not_recorded(
    blobs: FilesystemBlobs, records: Records
) -> None:
    await blobs.create(KEY, len(CONTENT))
    source = Source()
    records.error = StorageFull("no space")
    records.allowed.set()
    with pytest.raises(StorageFull, match="no space"):
        await blobs.append(KEY, 0, source.pieces())
    assert source.sent < len(CONTENT)
    assert (await blobs.peek(KEY)).received == ranges()


async def test_a_cancelled_append_records_what_was_received(
    blobs: FilesystemBlobs, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()
    wait_until_recorded = Appender._wait_until_recorded

    async def noted(self: Appender) -> None:
        if self._recording is not None:
            waiting.set()
        await wait_until_recorded(self)

    monkeypatch.setattr(Appender, "_wait_until_recorded", noted)
    await blobs.create(KEY, len(CONTENT))
    appending = asyncio.create_task(blobs.append(KEY, 0, Source().pieces()))
    await waiting.wait()  # the second portion waits for the record of the first
    appending.cancel()
    await asyncio.sleep(0)
    records.allowed.set()
    with pytest.raises(asyncio.CancelledError):
        await appending
    assert (await blobs.peek(KEY)).received == ranges((0, 2 * PORTION))


async def test_a_new_lease_waits_for_both_portions(
    blobs: FilesystemBlobs, records: Records
) -> None:
    await blobs.create(KEY, len(CONTENT))
    source = Source()

    async def silent() -> AsyncIterator[bytes]:
        async for piece in source.pieces():
            yield piece
            if source.sent == PORTION + 3 * MIB:
                await asyncio.Event().wait()

    appending = asyncio.create_task(blobs.append(KEY, 0, silent()))
    await source.passed.wait()
    leasing = asyncio.create_task(blobs.lease_append(KEY))
    await asyncio.sleep(0.05)
    assert not leasing.done()
    records.allowed.set()
    lease = await leasing
    assert lease.blob.prefix == PORTION + 3 * MIB
    with pytest.raises(Exception, match="another request now appends"):
        await appending
    rest = CONTENT[lease.blob.prefix :]
    assert (await blobs.append(KEY, lease.blob.prefix, stream(rest))).complete
    assert await read(blobs, KEY) == CONTENT


async def test_bytes_of_a_slow_client_are_recorded_after_a_time(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender, "INTERVAL", 0.0)
    await blobs.create(KEY, len(CONTENT))
    recorded, rest = asyncio.Event(), asyncio.Event()
    record = Blob.record

    async def recording(blob: Blob, start: int, stop: int, fd: int) -> None:
        await record(blob, start, stop, fd)
        if stop == 3000:
            recorded.set()

    monkeypatch.setattr(Blob, "record", recording)

    async def slow() -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        yield CONTENT[1000:3000]
        await rest.wait()
        yield CONTENT[3000:]

    appending = asyncio.create_task(blobs.append(KEY, 0, slow()))
    await recorded.wait()
    assert (await blobs.peek(KEY)).received == ranges((0, 3000))
    rest.set()
    assert (await appending).complete
    assert await read(blobs, KEY) == CONTENT
