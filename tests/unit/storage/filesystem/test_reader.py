"""Bytes of a blob that go from its file to a socket."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from shared.blobs.blob import result_key
from shared.errors import StorageUnavailable
from storage.filesystem.blobs import FilesystemBlobs
from storage.filesystem.reader import SENT_AT_ONCE
from storage.metrics import StorageMetrics
from tests.blob_backends import stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

KEY = result_key(UUID(int=1), 1)
CONTENT = random.Random(8).randbytes(SENT_AT_ONCE + 1_000_000)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def blobs(tmp_path: Path, registry: CollectorRegistry) -> AsyncIterator[FilesystemBlobs]:
    metrics = StorageMetrics(registry)
    async with FilesystemBlobs(tmp_path, fsync=False, listener=metrics) as opened:
        await opened.create(KEY, len(CONTENT))
        await opened.write(KEY, 0, stream(CONTENT))
        yield opened


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection; its first end does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def test_a_socket_gets_what_it_takes(
    blobs: FilesystemBlobs,
    registry: CollectorRegistry,
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    async with blobs.open(KEY, 5) as content:
        assert content.file is not None
        first = await content.file.send(ours.fileno(), 5, 100)
        second = await content.file.send(ours.fileno(), 105, len(CONTENT) - 105)
        # Full now: it is not waited for.
        none = await content.file.send(ours.fileno(), 105 + second, 1)
    assert (first, none) == (100, 0)
    assert 0 < second < SENT_AT_ONCE
    received = b""
    while len(received) < first + second:
        received += theirs.recv(1 << 20)
    assert received == CONTENT[5 : 5 + first + second]
    sent = registry.get_sample_value("csvmill_storage_sent_bytes_total", {"kind": "results"})
    assert sent == first + second


async def test_a_thread_does_not_send_to_the_fastest_client_for_ever(
    blobs: FilesystemBlobs, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    # Given a client that takes everything at once
    ours.setblocking(True)

    def take() -> None:
        with suppress(OSError):
            while theirs.recv(1 << 20):
                pass

    taking = asyncio.create_task(asyncio.to_thread(take))
    async with blobs.open(KEY) as content:
        assert content.file is not None
        assert await content.file.send(ours.fileno(), 0, len(CONTENT)) == SENT_AT_ONCE
    ours.close()
    await taking


async def test_an_end_that_has_gone_is_told_from_a_file_that_has_ended(
    blobs: FilesystemBlobs, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    async with blobs.open(KEY) as content:
        assert content.file is not None
        with pytest.raises(StorageUnavailable, match=f"ends at {len(CONTENT)}"):
            await content.file.send(ours.fileno(), len(CONTENT), 1)
        theirs.close()
        with pytest.raises(ConnectionError):
            await content.file.send(ours.fileno(), 0, 1)
