"""The contract of the Blobs port, with both adapters."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import result_key, upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.errors import (
    BlobConflict,
    BlobIncomplete,
    BlobNotFound,
    ChunkOutOfBounds,
    DigestMismatch,
    InvalidInput,
)
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import BACKENDS, joined, read, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs

KEY = upload_key(UUID(int=1))
MIB = 1 << 20


@pytest.fixture(params=sorted(BACKENDS))
def open_blobs(request: pytest.FixtureRequest) -> OpenBlobs:
    return BACKENDS[request.param]


@pytest.fixture
async def blobs(open_blobs: OpenBlobs, tmp_path: Path) -> AsyncIterator[Blobs]:
    async with open_blobs(tmp_path) as opened:
        yield opened


def ranges(*pairs: tuple[int, int]) -> RangeSet:
    return RangeSet.of(pairs)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class SourceLost(Exception):
    """Raised by the source of a chunk whose sender has disconnected."""


async def breaking(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise SourceLost


class Gated:
    """A chunk that pauses after its first piece until `resume` is set."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.paused = asyncio.Event()
        self.resume = asyncio.Event()
        self.broken = False

    async def stream(self) -> AsyncIterator[bytes]:
        yield self.pieces[0]
        self.paused.set()
        await self.resume.wait()
        if self.broken:
            raise SourceLost
        for piece in self.pieces[1:]:
            yield piece


# --- create


async def test_a_new_blob_is_as_declared_and_empty(blobs: Blobs) -> None:
    info = await blobs.create(KEY, 10, sha256="0" * 64, metadata={"filename": "Größe.csv"})

    assert (info.key, info.size, info.sha256) == (KEY, 10, "0" * 64)
    assert info.metadata == {"filename": "Größe.csv"}
    assert info.received == ranges()
    assert not info.complete
    assert await blobs.info(KEY) == info


async def test_creating_again_returns_the_existing_blob(blobs: Blobs) -> None:
    await blobs.create(KEY, 10, metadata={"filename": "first"})
    await blobs.write(KEY, 2, stream(b"abc"))

    info = await blobs.create(KEY, 10, metadata={"filename": "second"})

    assert info.received == ranges((2, 5))
    assert info.metadata == {"filename": "first"}


@pytest.mark.parametrize(("size", "digest"), [(11, None), (10, "1" * 64)])
async def test_a_blob_of_another_size_or_digest_is_a_conflict(
    blobs: Blobs, size: int, digest: str | None
) -> None:
    await blobs.create(KEY, 10, sha256="0" * 64)

    with pytest.raises(BlobConflict):
        await blobs.create(KEY, size, sha256=digest)


async def test_a_digest_declared_too_late_is_a_conflict(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)

    with pytest.raises(BlobConflict):
        await blobs.create(KEY, 10, sha256="0" * 64)


async def test_concurrent_creations_create_one_blob(blobs: Blobs) -> None:
    infos = await asyncio.gather(
        *(blobs.create(KEY, 10, metadata={"by": str(number)}) for number in range(8))
    )

    assert len({info.metadata["by"] for info in infos}) == 1


async def test_a_blob_of_no_bytes_is_complete_at_once(blobs: Blobs) -> None:
    info = await blobs.create(KEY, 0, sha256=sha256(b""))

    assert info.complete
    assert await read(blobs, KEY) == b""
    assert blobs.local_path(KEY) is not None


async def test_an_empty_blob_with_another_digest_is_refused(blobs: Blobs) -> None:
    with pytest.raises(DigestMismatch):
        await blobs.create(KEY, 0, sha256=sha256(b"something"))

    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)


@pytest.mark.parametrize(
    ("size", "digest", "metadata", "field"),
    [
        (-1, None, {}, "size"),
        (1 << 63, None, {}, "size"),
        (1, "0" * 63, {}, "sha256"),
        (1, "A" * 64, {}, "sha256"),
        (1, None, {"filename": "x" * 70_000}, "metadata"),
    ],
)
async def test_a_malformed_declaration_is_refused_with_its_field(
    blobs: Blobs, size: int, digest: str | None, metadata: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await blobs.create(KEY, size, sha256=digest, metadata=metadata)

    assert refusal.value.field == field


# --- write


async def test_chunks_in_any_order_make_the_blob_complete(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)

    after_last = await blobs.write(KEY, 7, stream(b"hij"))
    after_first = await blobs.write(KEY, 0, stream(b"ab", b"cd"))
    after_all = await blobs.write(KEY, 4, stream(b"efg"))

    assert after_last.received == ranges((7, 10))
    assert after_first.received == ranges((0, 4), (7, 10))
    assert after_all.complete
    assert await read(blobs, KEY) == b"abcdefghij"


async def test_large_parallel_chunks_keep_every_byte(blobs: Blobs) -> None:
    content = random.Random(1).randbytes(9 * MIB + 12_345)
    await blobs.create(KEY, len(content), sha256=sha256(content))
    size = 2 * MIB + 7

    async def send(offset: int) -> None:
        chunk = content[offset : offset + size]
        pieces = [chunk[at : at + 65_537] for at in range(0, len(chunk), 65_537)]
        await blobs.write(KEY, offset, stream(*pieces))

    await asyncio.gather(*(send(offset) for offset in range(0, len(content), size)))

    assert (await blobs.info(KEY)).complete
    assert sha256(await read(blobs, KEY)) == sha256(content)


async def test_thousands_of_tiny_pieces_make_one_chunk(blobs: Blobs) -> None:
    content = random.Random(2).randbytes(5_000)
    await blobs.create(KEY, 5_000)

    await blobs.write(KEY, 0, stream(*(content[at : at + 1] for at in range(5_000))))

    assert await read(blobs, KEY) == content


async def test_received_bytes_never_change_again(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 3, stream(b"345"))

    info = await blobs.write(KEY, 1, stream(b"ABCDEFGH"))

    assert info.received == ranges((1, 9))
    assert await read(blobs, KEY, 1, 9) == b"AB345FGH"


async def test_a_complete_blob_accepts_repeats_and_does_not_change(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    await blobs.write(KEY, 0, stream(b"true"))

    info = await blobs.write(KEY, 0, stream(b"LIES"))

    assert info.complete
    assert await read(blobs, KEY) == b"true"


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize(("offset", "chunk"), [(8, b"abc"), (11, b""), (11, b"x"), (-1, b"ab")])
async def test_a_chunk_out_of_bounds_is_refused_and_changes_nothing(
    blobs: Blobs, offset: int, chunk: bytes, complete: bool
) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789" if complete else b"0123"))
    before = await blobs.info(KEY)

    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, offset, stream(chunk))

    assert await blobs.info(KEY) == before


async def test_a_long_chunk_beyond_the_end_records_nothing(blobs: Blobs) -> None:
    await blobs.create(KEY, 3 * MIB)

    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, 0, stream(*[bytes(MIB)] * 4))

    assert (await blobs.info(KEY)).received == ranges()


@pytest.mark.parametrize("offset", [0, 5, 10])
async def test_an_empty_chunk_changes_nothing(blobs: Blobs, offset: int) -> None:
    await blobs.create(KEY, 10)

    info = await blobs.write(KEY, offset, stream(b"", b""))

    assert info.received == ranges()


async def test_what_the_source_raises_is_raised_and_nothing_is_recorded(blobs: Blobs) -> None:
    await blobs.create(KEY, 5 * MIB)

    with pytest.raises(SourceLost):
        await blobs.write(KEY, 0, breaking(bytes(2 * MIB), bytes(2 * MIB)))

    assert (await blobs.info(KEY)).received == ranges()
    info = await blobs.write(KEY, 0, stream(b"x" * 5 * MIB))
    assert info.complete
    assert await read(blobs, KEY, 0, 3) == b"xxx"


async def test_a_cancelled_chunk_records_nothing(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    chunk = Gated(bytes(2 * MIB), bytes(2 * MIB))
    writing = asyncio.create_task(blobs.write(KEY, 0, chunk.stream()))
    await chunk.paused.wait()

    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)

    assert writing.cancelled()
    assert (await blobs.info(KEY)).received == ranges()
    assert (await blobs.write(KEY, 0, stream(bytes(4 * MIB)))).complete


async def test_writing_to_an_unknown_blob_is_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.write(KEY, 0, stream(b"x"))


async def test_a_repeat_does_not_wait_for_the_request_that_hangs(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    hanging = Gated(b"A" * 2 * MIB, b"A" * 2 * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()

    repeat = await blobs.write(KEY, 0, stream(b"B" * 4 * MIB))
    hanging.resume.set()
    late = await first

    assert repeat.complete
    assert late.complete
    assert set(await read(blobs, KEY)) == set(b"B")


async def test_an_interrupted_chunk_does_not_affect_a_parallel_one(blobs: Blobs) -> None:
    await blobs.create(KEY, 6 * MIB)
    hanging = Gated(b"A" * 3 * MIB, b"A")
    hanging.broken = True
    first = asyncio.create_task(blobs.write(KEY, MIB, hanging.stream()))
    await hanging.paused.wait()
    second = Gated(b"B" * 2 * MIB, b"B" * 4 * MIB)
    arriving = asyncio.create_task(blobs.write(KEY, 0, second.stream()))
    await second.paused.wait()

    hanging.resume.set()
    with pytest.raises(SourceLost):
        await first
    second.resume.set()
    info = await arriving

    assert info.complete
    assert set(await read(blobs, KEY)) == set(b"B")


# --- digest


async def test_a_blob_with_its_digest_becomes_complete(blobs: Blobs) -> None:
    await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
    await blobs.write(KEY, 3, stream(b"def"))

    assert (await blobs.write(KEY, 0, stream(b"abc"))).complete


async def test_bytes_with_another_digest_are_dropped_and_may_be_sent_again(blobs: Blobs) -> None:
    await blobs.create(KEY, 6, sha256=sha256(b"abcdef"))
    await blobs.write(KEY, 3, stream(b"deX"))

    with pytest.raises(DigestMismatch):
        await blobs.write(KEY, 0, stream(b"abc"))

    assert (await blobs.info(KEY)).received == ranges()
    assert blobs.local_path(KEY) is None
    assert (await blobs.write(KEY, 0, stream(b"abcdef"))).complete
    assert await read(blobs, KEY) == b"abcdef"


# --- open


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 5), (3, None), (4, 8), (9, 10), (5, 5), (10, None), (10, 10)]
)
async def test_exactly_the_interval_is_read(blobs: Blobs, start: int, stop: int | None) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789"))

    assert await read(blobs, KEY, start, stop) == b"0123456789"[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(11, None), (0, 11), (6, 5), (-1, 5), (12, 13)])
async def test_a_range_outside_of_the_blob_is_refused(
    blobs: Blobs, start: int, stop: int | None
) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 0, stream(b"0123456789"))

    with pytest.raises(ChunkOutOfBounds):
        await read(blobs, KEY, start, stop)


async def test_received_bytes_of_an_incomplete_blob_can_be_read(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 2, stream(b"234567"))

    assert await read(blobs, KEY, 3, 8) == b"34567"
    for start, stop in [(0, None), (1, 5), (7, 9)]:
        with pytest.raises(BlobIncomplete):
            await read(blobs, KEY, start, stop)


async def test_reading_an_unknown_blob_is_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await read(blobs, KEY)


async def test_what_a_reader_raises_is_raised_unchanged(blobs: Blobs) -> None:
    await blobs.create(KEY, 3 * MIB)
    await blobs.write(KEY, 0, stream(bytes(3 * MIB)))

    async def read_and_raise() -> None:
        async with blobs.open(KEY) as pieces:
            await anext(pieces)
            raise OSError("the reader's own")

    with pytest.raises(OSError, match="the reader's own"):
        await read_and_raise()

    assert len(await read(blobs, KEY)) == 3 * MIB


async def test_content_names_the_file_that_its_own_process_has_open(blobs: Blobs) -> None:
    await blobs.create(KEY, 3)
    await blobs.write(KEY, 0, stream(b"abc"))

    async with blobs.open(KEY) as content:
        assert (content.file is not None) == isinstance(blobs, FilesystemBlobs)
        assert await joined(content) == b"abc"


# --- delete, local_path, ping


async def test_a_deleted_blob_does_not_exist_and_its_key_is_free(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    await blobs.write(KEY, 0, stream(b"once"))

    await blobs.delete(KEY)
    await blobs.delete(KEY)

    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)
    assert blobs.local_path(KEY) is None
    await blobs.create(KEY, 5)
    await blobs.write(KEY, 0, stream(b"again"))
    assert await read(blobs, KEY) == b"again"


async def test_a_reader_of_a_deleted_blob_reads_to_the_end(blobs: Blobs) -> None:
    content = random.Random(3).randbytes(20 * MIB)
    await blobs.create(KEY, len(content))
    await blobs.write(KEY, 0, stream(content))

    async with blobs.open(KEY) as pieces:
        first = await anext(pieces)
        await blobs.delete(KEY)
        rest = await joined(pieces)

    assert first + rest == content


async def test_a_writer_does_not_restore_a_deleted_blob(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    chunk = Gated(b"A" * 2 * MIB, b"A" * 2 * MIB)
    writing = asyncio.create_task(blobs.write(KEY, 0, chunk.stream()))
    await chunk.paused.wait()

    await blobs.delete(KEY)
    await blobs.create(KEY, 4 * MIB)
    chunk.resume.set()
    with pytest.raises(BlobNotFound):
        await writing

    assert (await blobs.info(KEY)).received == ranges()


async def test_the_local_file_exists_once_the_blob_is_complete(blobs: Blobs) -> None:
    key = result_key(UUID(int=7), 1)
    await blobs.create(key, 4)
    await blobs.write(key, 0, stream(b"ab"))
    assert blobs.local_path(key) is None

    await blobs.write(key, 2, stream(b"cd"))

    path = blobs.local_path(key)
    assert path is not None
    assert path.read_bytes() == b"abcd"


async def test_attempts_of_a_job_do_not_share_a_blob(blobs: Blobs) -> None:
    first, second = result_key(UUID(int=7), 1), result_key(UUID(int=7), 2)
    for key, content in [(first, b"one"), (second, b"two")]:
        await blobs.create(key, 3)
        await blobs.write(key, 0, stream(content))

    await blobs.delete(first)

    assert await read(blobs, second) == b"two"


async def test_usable_storage_answers_a_ping(blobs: Blobs) -> None:
    await blobs.ping()


# --- reopening


async def test_blobs_survive_a_restart(open_blobs: OpenBlobs, tmp_path: Path) -> None:
    content = b"0123456789"
    async with open_blobs(tmp_path) as blobs:
        await blobs.create(KEY, 10, sha256=sha256(content), metadata={"filename": "a.csv"})
        before = await blobs.write(KEY, 4, stream(b"456"))

    async with open_blobs(tmp_path) as blobs:
        assert await blobs.info(KEY) == before
        await blobs.write(KEY, 0, stream(b"0123"))
        whole = await blobs.write(KEY, 7, stream(b"789"))

    async with open_blobs(tmp_path) as blobs:
        assert await blobs.info(KEY) == whole
        assert await read(blobs, KEY) == content
