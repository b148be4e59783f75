"""Any schedule of chunks, compared with a simple model: the set of bytes written."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.blobs.blob import upload_key
from shared.errors import BytesDiffer
from storage.filesystem import chunk_writer
from tests.blob_backends import BACKENDS, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.blobs.byte_ranges import RangeSet
    from shared.ports import Blobs

KEY = upload_key(UUID(int=1))
SIZE = 64
SOURCE = bytes(range(SIZE))


@dataclass(frozen=True)
class Chunk:
    start: int
    stop: int
    piece: int
    fails: bool = False

    async def stream(self, fill: bytes = SOURCE) -> AsyncIterator[bytes]:
        for at in range(self.start, self.stop, self.piece):
            await asyncio.sleep(0)
            yield fill[at : min(at + self.piece, self.stop)]
        if self.fails:
            raise SourceError


class SourceError(Exception):
    pass


REOPEN = "reopen"

CHUNKS = st.builds(
    lambda start, length, piece, fails: Chunk(start, min(start + length, SIZE), piece, fails),
    st.integers(0, SIZE),
    st.integers(0, SIZE),
    st.integers(1, 20),
    st.integers(0, 5).map(lambda n: n == 0),
)
STEPS = st.lists(
    st.one_of(st.just(REOPEN), st.lists(CHUNKS, min_size=1, max_size=4)), min_size=1, max_size=8
)


def as_bytes(received: RangeSet) -> set[int]:
    return {at for held in received for at in range(held.start, held.stop)}


async def send(blobs: Blobs, chunk: Chunk, fill: bytes = SOURCE) -> None:
    if chunk.fails:
        with pytest.raises((SourceError, BytesDiffer)):
            await blobs.write(KEY, chunk.start, chunk.stream(fill))
    else:
        info = await blobs.write(KEY, chunk.start, chunk.stream(fill))
        assert set(range(chunk.start, chunk.stop)) <= as_bytes(info.received)


@pytest.fixture(autouse=True)
def _small_batches() -> Iterator[None]:
    """Split each chunk into batches, so that chunks interleave and overlap."""
    with mock.patch.object(chunk_writer, "BATCH", 8):
        yield


@pytest.mark.parametrize(("backend", "examples"), [("filesystem", 150), ("http", 25)])
def test_any_schedule_stores_the_bytes_that_were_sent(backend: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(STEPS, st.booleans())
    def check(steps: list[str | list[Chunk]], digest: bool) -> None:
        asyncio.run(run(steps, digest=digest))

    async def run(steps: list[str | list[Chunk]], *, digest: bool) -> None:
        model: set[int] = set()
        with tempfile.TemporaryDirectory() as folder:
            opened = BACKENDS[backend](Path(folder))
            blobs = await opened.__aenter__()
            try:
                sha256 = hashlib.sha256(SOURCE).hexdigest() if digest else None
                await blobs.create(KEY, SIZE, sha256=sha256)
                for step in steps:
                    if isinstance(step, str):
                        await opened.__aexit__(None, None, None)
                        opened = BACKENDS[backend](Path(folder))
                        blobs = await opened.__aenter__()
                    else:
                        await asyncio.gather(*(send(blobs, chunk) for chunk in step))
                        for chunk in step:
                            if not chunk.fails:
                                model.update(range(chunk.start, chunk.stop))
                    info = await blobs.info(KEY)
                    assert as_bytes(info.received) == model
                    assert info.complete == (len(model) == SIZE)
                    assert (blobs.local_path(KEY) is not None) == info.complete
                    for held in info.received:
                        got = await read(blobs, KEY, held.start, held.stop)
                        assert got == SOURCE[held.start : held.stop]
            finally:
                await opened.__aexit__(None, None, None)

    check()


@settings(max_examples=100, deadline=None)
@given(st.lists(CHUNKS, min_size=2, max_size=5), st.booleans())
def test_of_overlapping_chunks_with_other_bytes_those_that_are_taken_are_stored_whole(
    chunks: list[Chunk], reopen: bool
) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with BACKENDS["filesystem"](Path(folder)) as blobs:
                await blobs.create(KEY, SIZE)
                seen: dict[int, int] = {}
                refused: set[int] = set()

                async def send_filled(number: int, chunk: Chunk) -> None:
                    try:
                        await send(blobs, chunk, bytes([number + 1]) * SIZE)
                    except BytesDiffer:
                        refused.add(number)
                    await check(blobs, seen)

                await asyncio.gather(*(send_filled(*pair) for pair in enumerate(chunks)))
                await check(blobs, seen)
            if reopen:
                async with BACKENDS["filesystem"](Path(folder)) as blobs:
                    await check(blobs, seen)
            for at, value in seen.items():
                chunk = chunks[value - 1]
                assert chunk.start <= at < chunk.stop
                assert not chunk.fails
                assert value - 1 not in refused
            # A chunk that was taken is stored with all its bytes, and no other was refused than
            # one that overlaps a chunk that was taken.
            for number, chunk in enumerate(chunks):
                held = [seen.get(at) for at in range(chunk.start, chunk.stop)]
                if number in refused:
                    assert set(held) - {None}
                elif not chunk.fails:
                    assert set(held) <= {number + 1}

    async def check(blobs: Blobs, seen: dict[int, int]) -> None:
        for held in (await blobs.info(KEY)).received:
            content = await read(blobs, KEY, held.start, held.stop)
            for at, value in enumerate(content, held.start):
                assert seen.setdefault(at, value) == value

    asyncio.run(run())
