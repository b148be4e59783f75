"""The pipe to a child takes bytes and parts of files, and waits while the child does not read."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

import pytest

from shared.blobs.content import FilePart
from shared.blobs.growing_file import GrowingFile
from shared.errors import StorageUnavailable
from shared.runtime.input_pipe import CAPACITY, InputPipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = random.Random(3).randbytes(3 * CAPACITY + 12_345)


@pytest.fixture
def pipe() -> Iterator[InputPipe]:
    pipe = InputPipe()
    yield pipe
    pipe.close()


@pytest.fixture
def part(tmp_path: Path) -> Iterator[FilePart]:
    """All bytes of CONTENT but the first 1,000."""
    path = tmp_path / "partial.0"
    path.write_bytes(CONTENT)
    fd = os.open(path, os.O_RDONLY)
    yield FilePart(GrowingFile(fd), 1000, len(CONTENT))
    os.close(fd)


def read_all(descriptor: int) -> bytes:
    read = b""
    while piece := os.read(descriptor, 1 << 16):
        read += piece
    os.close(descriptor)
    return read


async def test_a_child_reads_bytes_and_parts_of_files_in_order(
    pipe: InputPipe, part: FilePart
) -> None:
    reading = asyncio.create_task(asyncio.to_thread(read_all, os.dup(pipe.reading)))
    pipe.started()
    await pipe.write(CONTENT[:1000])
    await pipe.send(part)
    await pipe.write(b"the end")
    pipe.close()
    assert await reading == CONTENT + b"the end"


@pytest.mark.parametrize("what", ["bytes", "part"])
async def test_a_child_that_does_not_read_is_waited_for_and_the_wait_can_be_cancelled(
    pipe: InputPipe, part: FilePart, what: str
) -> None:
    sending = asyncio.create_task(pipe.write(CONTENT) if what == "bytes" else pipe.send(part))
    await asyncio.wait([sending], timeout=0.2)
    assert not sending.done()
    held = os.read(pipe.reading, 2 * CAPACITY)
    assert 0 < len(held) <= CAPACITY
    assert held == CONTENT[0 if what == "bytes" else 1000 :][: len(held)]
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


@pytest.mark.parametrize("what", ["bytes", "part"])
async def test_a_child_that_has_ended_is_an_error_also_while_it_is_waited_for(
    pipe: InputPipe, part: FilePart, what: str
) -> None:
    sending = asyncio.create_task(pipe.write(CONTENT) if what == "bytes" else pipe.send(part))
    await asyncio.wait([sending], timeout=0.1)
    pipe.started()  # no process has the reading end
    with pytest.raises(ConnectionError):
        await sending


async def test_a_file_that_ends_early_is_an_error(pipe: InputPipe, part: FilePart) -> None:
    beyond = FilePart(part.file, len(CONTENT) - 10, len(CONTENT) + 10)
    with pytest.raises(StorageUnavailable):
        await pipe.send(beyond)
    with pytest.raises(StorageUnavailable):
        await beyond.read()
