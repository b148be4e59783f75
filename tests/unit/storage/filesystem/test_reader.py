"""Sending the bytes of a blob from its file to a socket."""

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
from storage.filesystem.reader import MAX_SEND
from storage.metrics import StorageMetrics
from tests.blob_backends import stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

KEY = result_key(UUID(int=1), 1)
CONTENT = random.Random(8).randbytes(MAX_SEND + 1_000_000)


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
    """Both ends of a connection; the first is non-blocking."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def test_sending_stops_when_the_socket_is_full(
    blobs: FilesystemBlobs,
    registry: CollectorRegistry,
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    async with blobs.open(KEY, 5) as content:
        assert content.file is not None
        first = await content.file.send(ours.fileno(), 5, 100)
        second = await content.file.send(ours.fileno(), 105, len(CONTENT) - 105)
        # The socket is full, and the call does not wait.
        none = await content.file.send(ours.fileno(), 105 + second, 1)
    assert (first, none) == (100, 0)
    assert 0 < second < MAX_SEND
    received = b""
    while len(received) < first + second:
        received += theirs.recv(1 << 20)
    assert received == CONTENT[5 : 5 + first + second]
    sent = registry.get_sample_value("csvmill_storage_sent_bytes_total", {"kind": "results"})
    assert sent == first + second


async def test_one_call_sends_a_limited_number_of_bytes(
    blobs: FilesystemBlobs, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    # Given a client that reads everything immediately
    ours.setblocking(True)

    def read_all() -> None:
        with suppress(OSError):
            while theirs.recv(1 << 20):
                pass

    reading = asyncio.create_task(asyncio.to_thread(read_all))
    async with blobs.open(KEY) as content:
        assert content.file is not None
        assert await content.file.send(ours.fileno(), 0, len(CONTENT)) == MAX_SEND
    ours.close()
    await reading


async def test_a_closed_connection_and_a_short_file_raise_different_errors(
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
