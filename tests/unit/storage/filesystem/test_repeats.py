"""Two requests with the same bytes."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
from typing import TYPE_CHECKING, cast

import pytest

from shared.blobs.socket_part import SocketPart
from shared.errors import (
    BytesDiffer,
    StorageFull,
    StorageUnavailable,
)
from storage.filesystem.folder import BlobFolder
from tests.blob_backends import read, stream
from tests.unit.storage.filesystem.blobs import KEY, MIB, ranges

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.blobs.socket_part import IncomingBytes, Piece
    from storage.filesystem.blobs import FilesystemBlobs


class Hanging:
    """A chunk that stalls after its first piece until the test sets `end`."""

    def __init__(self, piece: bytes) -> None:
        self.paused = asyncio.Event()
        self.end = asyncio.Event()
        self._piece = piece

    async def stream(self) -> AsyncIterator[bytes]:
        yield self._piece
        self.paused.set()
        await self.end.wait()


async def test_a_slow_write_does_not_change_recorded_bytes(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 3 * MIB)
    begun, resume = threading.Event(), threading.Event()
    pwritev = os.pwritev

    def slow_once(fd: int, buffers: list[bytes], offset: int) -> int:
        monkeypatch.setattr(os, "pwritev", pwritev)
        begun.set()
        resume.wait(30)
        return pwritev(fd, buffers, offset)

    monkeypatch.setattr(os, "pwritev", slow_once)
    hanging = Hanging(b"A" * 2 * MIB)
    slow = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    assert await asyncio.to_thread(begun.wait, 30)

    repeat = asyncio.create_task(blobs.write(KEY, 0, stream(b"B" * 2 * MIB)))
    # Long enough for a wrong order to show; the repeat must not end.
    done, _ = await asyncio.wait([repeat], timeout=0.3)
    assert not done
    resume.set()
    info = await repeat
    recorded = await read(blobs, KEY, 0, 2 * MIB)
    hanging.end.set()
    with pytest.raises(BytesDiffer):
        await slow

    assert info.received == ranges((0, 2 * MIB))
    assert set(recorded) == set(b"B")
    assert await read(blobs, KEY, 0, 2 * MIB) == recorded


async def test_a_chunk_overwritten_by_a_request_that_failed_is_not_recorded(
    blobs: FilesystemBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blobs.create(KEY, 4 * MIB)
    hanging = Hanging(b"A" * 2 * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlobFolder, "append_record", fail)
        with pytest.raises(StorageFull):
            await blobs.write(KEY, MIB, stream(b"B" * 2 * MIB))
    hanging.end.set()

    with pytest.raises(StorageUnavailable, match="send the chunk again"):
        await first
    assert (await blobs.info(KEY)).received == ranges()


class HeldPart(SocketPart):
    """A part of a socket of which 3 MiB arrive, and then nothing until `released`."""

    def __init__(self, content: bytes) -> None:
        super().__init__(cast("IncomingBytes", None), len(content))
        self._content = content
        self.arrived = asyncio.Event()
        self.released = threading.Event()
        self._loop = asyncio.get_running_loop()

    def move(self, write: Callable[[memoryview, int], object]) -> None:
        write(memoryview(self._content)[: 3 * MIB], 0)
        self.taken = 3 * MIB
        self._loop.call_soon_threadsafe(self.arrived.set)
        self.released.wait(10)


async def test_bytes_that_did_not_arrive_at_a_socket_are_not_taken_for_other_bytes(
    blobs: FilesystemBlobs,
) -> None:
    content = random.Random(4).randbytes(8 * MIB)
    part = HeldPart(content)

    async def slow() -> AsyncIterator[Piece]:
        yield part
        yield content[3 * MIB :]

    await blobs.create(KEY, len(content))
    first = asyncio.create_task(blobs.write(KEY, 0, slow()))
    await part.arrived.wait()
    # The second request takes the claim of the first over, and waits for it to give it up.
    second = asyncio.create_task(blobs.write(KEY, 0, stream(content)))
    await asyncio.wait([second], timeout=0.3)
    assert not second.done()
    part.released.set()
    assert (await second).complete
    assert (await first).complete
    assert await read(blobs, KEY) == content
