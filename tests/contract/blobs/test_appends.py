"""The contract of the Blobs port for appends, sizes declared later, and assemblies."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.errors import (
    AppendLeaseLost,
    BlobConflict,
    BlobIncomplete,
    BlobNotFound,
    ChunkOutOfBounds,
    DigestMismatch,
    InvalidInput,
)
from tests.blob_backends import BACKENDS, read, stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.blob import AppendLease, BlobKey
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


class SourceLost(Exception):
    """Raised by a source whose sender has disconnected."""


class Sender:
    """Yields the pieces, and then hangs until the connection is lost."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.silent = asyncio.Event()
        self.lost = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for piece in self.pieces:
                yield piece
            self.silent.set()
            await self.lost.wait()
            raise SourceLost
        finally:
            self.closed.set()


async def made(blobs: Blobs, key: BlobKey, content: bytes) -> BlobKey:
    await blobs.create(key, len(content))
    await blobs.write(key, 0, stream(content))
    return key


# --- append


async def test_appended_bytes_are_stored_and_complete_the_blob(blobs: Blobs) -> None:
    content = random.Random(1).randbytes(40 * MIB + 5)
    await blobs.create(KEY, len(content), sha256=hashlib.sha256(content).hexdigest())
    lease = await blobs.lease_append(KEY)
    assert (lease.blob.prefix, lease.blob.complete) == (0, False)
    # Several portions; the first one ends exactly at the end of a piece
    first = await blobs.append(
        KEY, 0, stream(*(content[at : at + MIB] for at in range(0, 32 * MIB, MIB))),
        token=lease.token,
    )  # fmt: skip
    assert first.received == ranges((0, 32 * MIB))
    last = await blobs.append(KEY, 32 * MIB, stream(content[32 * MIB :]), token=lease.token)
    assert last.complete
    assert await read(blobs, KEY) == content


@pytest.mark.parametrize("arrived", [0, 1, 1000, MIB, 16 * MIB, 17 * MIB + 3])
async def test_bytes_received_before_the_source_failed_are_kept_to_the_byte(
    blobs: Blobs, arrived: int
) -> None:
    content = random.Random(2).randbytes(18 * MIB)
    await blobs.create(KEY, len(content))
    lease = await blobs.lease_append(KEY)
    sender = Sender(*(content[at : min(at + MIB, arrived)] for at in range(0, arrived, MIB)))
    sender.lost.set()

    with pytest.raises(SourceLost):
        await blobs.append(KEY, 0, sender.stream(), token=lease.token)

    info = await blobs.info(KEY)
    assert (info.prefix, info.received) == (arrived, RangeSet.of([(0, arrived)]))
    again = await blobs.append(KEY, arrived, stream(content[arrived:]), token=lease.token)
    assert again.complete
    assert await read(blobs, KEY) == content


async def test_bytes_that_were_received_before_stay(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    await blobs.write(KEY, 4, stream(b"456"))
    lease = await blobs.lease_append(KEY)
    info = await blobs.append(KEY, 2, stream(b"ABCDEF"), token=lease.token)
    assert info.received == ranges((2, 8))
    assert await read(blobs, KEY, 2, 8) == b"AB456F"


async def test_nothing_is_appended_beyond_the_end(blobs: Blobs) -> None:
    await blobs.create(KEY, 4)
    lease = await blobs.lease_append(KEY)
    with pytest.raises(ChunkOutOfBounds):
        await blobs.append(KEY, 0, stream(b"12345"), token=lease.token)
    for offset in (-1, 5):
        with pytest.raises(ChunkOutOfBounds):
            await blobs.append(KEY, offset, stream(b""), token=lease.token)
    assert not (await blobs.info(KEY)).complete


# --- lease_append


@pytest.mark.parametrize("size", [None, 4 * MIB])
async def test_a_new_lease_aborts_an_append_that_hangs_and_keeps_its_bytes(
    blobs: Blobs, size: int | None
) -> None:
    await blobs.create(KEY, size)
    first = await blobs.lease_append(KEY)
    sender = Sender(b"A" * MIB, b"B" * 1000)
    appending = asyncio.create_task(blobs.append(KEY, 0, sender.stream(), token=first.token))
    await sender.silent.wait()
    # (over HTTP: until storage has received the bytes)
    second = await blobs.lease_append(KEY)

    with pytest.raises(AppendLeaseLost):
        await appending
    await asyncio.wait_for(sender.closed.wait(), 10)
    # No append is in progress once the lease is granted
    assert second.token > first.token
    assert second.blob == await blobs.info(KEY)
    kept = second.blob.prefix
    assert 0 <= kept <= MIB + 1000
    rest = (b"A" * MIB + b"B" * 1000 + b"C" * (4 * MIB))[kept : 4 * MIB]
    info = await blobs.append(KEY, kept, stream(rest), token=second.token)
    assert info.prefix == 4 * MIB
    assert (await read(blobs, KEY, 0, 4 * MIB))[: MIB + 1001] == b"A" * MIB + b"B" * 1000 + b"C"


async def test_bytes_received_by_storage_are_kept_to_the_byte_when_a_lease_is_granted(
    blobs: Blobs, tmp_path: Path
) -> None:
    await blobs.create(KEY, 10)
    first = await blobs.lease_append(KEY)
    sender = Sender(b"abcd")
    appending = asyncio.create_task(blobs.append(KEY, 0, sender.stream(), token=first.token))
    await sender.silent.wait()
    kept = 0
    async with asyncio.timeout(10):
        while not appending.done():
            # A lease granted before the four bytes have reached storage aborts an empty append.
            kept = (await blobs.lease_append(KEY)).blob.prefix
    assert kept in (0, 4)
    with pytest.raises(AppendLeaseLost):
        await appending


async def test_an_append_with_an_old_token_is_refused(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    first = await blobs.lease_append(KEY)
    second = await blobs.lease_append(KEY)
    with pytest.raises(AppendLeaseLost):
        await blobs.append(KEY, 0, stream(b"late"), token=first.token)
    with pytest.raises(AppendLeaseLost):
        await blobs.append(KEY, 0, stream(b"late"), token=first.token, whole=True)
    assert (await blobs.info(KEY)).received == ranges()
    assert (await blobs.append(KEY, 0, stream(b"ok"), token=second.token)).prefix == 2
    # Chunks without a lease are not affected
    assert (await blobs.write(KEY, 2, stream(b"too"))).prefix == 5


async def test_a_whole_append_aborted_by_a_lease_is_not_stored(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    first = await blobs.lease_append(KEY)
    sender = Sender(b"A" * 2 * MIB)
    writing = asyncio.create_task(
        blobs.append(KEY, 0, sender.stream(), token=first.token, whole=True)
    )
    await sender.silent.wait()
    second = await blobs.lease_append(KEY)
    with pytest.raises(AppendLeaseLost):
        await writing
    assert second.blob.received == ranges()


async def test_only_the_last_of_concurrent_leases_may_append(blobs: Blobs) -> None:
    await blobs.create(KEY, 100)
    leases = await asyncio.gather(*(blobs.lease_append(KEY) for _ in range(10)))
    last = max(lease.token for lease in leases)
    assert len({lease.token for lease in leases}) == 10
    outcomes = await asyncio.gather(
        *(blobs.append(KEY, 0, stream(b"x"), token=lease.token) for lease in leases),
        return_exceptions=True,
    )
    for lease, outcome in zip(leases, outcomes, strict=True):
        assert isinstance(outcome, AppendLeaseLost) == (lease.token != last)


@pytest.mark.parametrize("ticks", range(5))
async def test_a_lease_right_after_another_ends_a_silent_append_once(
    blobs: Blobs, ticks: int
) -> None:
    await blobs.create(KEY, 100)
    sender = Sender(b"abc")
    first = await blobs.lease_append(KEY)
    appending = asyncio.create_task(blobs.append(KEY, 0, sender.stream(), token=first.token))
    await sender.silent.wait()

    async def later() -> AppendLease:
        for _ in range(ticks):
            await asyncio.sleep(0)
        return await blobs.lease_append(KEY)

    async with asyncio.timeout(20):
        second, third = await asyncio.gather(blobs.lease_append(KEY), later())
        with pytest.raises(AppendLeaseLost):
            await appending
    assert len({first.token, second.token, third.token}) == 3


async def test_a_lease_of_an_unknown_blob_is_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.lease_append(KEY)
    with pytest.raises(BlobNotFound):
        await blobs.append(KEY, 0, stream(b"x"), token=1)
    with pytest.raises(BlobNotFound):
        await blobs.declare_size(KEY, 1)


# --- sizes that are declared later


async def test_declaring_the_size_completes_the_blob(blobs: Blobs) -> None:
    info = await blobs.create(KEY, None, metadata={"a": "b"})
    assert (info.size, info.complete) == (None, False)
    info = await blobs.write(KEY, 0, stream(b"0123"))
    assert (info.size, info.complete, info.prefix) == (None, False, 4)
    assert await read(blobs, KEY, 1, 3) == b"12"
    with pytest.raises(BlobIncomplete):
        await read(blobs, KEY)
    with pytest.raises(BlobIncomplete):
        await read(blobs, KEY, 2, 9)
    assert blobs.local_path(KEY) is None

    whole = await blobs.declare_size(KEY, 4)

    assert (whole.size, whole.complete, whole.metadata) == (4, True, {"a": "b"})
    assert await blobs.declare_size(KEY, 4) == whole
    assert await read(blobs, KEY) == b"0123"
    path = blobs.local_path(KEY)
    assert path is not None
    assert path.read_bytes() == b"0123"


async def test_a_declared_size_limits_later_chunks(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 6, stream(b"67"))
    info = await blobs.declare_size(KEY, 8)
    assert (info.complete, info.received) == (False, ranges((6, 8)))
    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, 7, stream(b"xx"))
    assert (await blobs.write(KEY, 0, stream(b"012345"))).complete
    assert await read(blobs, KEY) == b"01234567"


async def test_another_size_or_one_below_the_received_bytes_is_refused(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 0, stream(b"0123"))
    with pytest.raises(ChunkOutOfBounds):
        await blobs.declare_size(KEY, 3)
    assert (await blobs.info(KEY)).size is None
    await blobs.declare_size(KEY, 5)
    with pytest.raises(BlobConflict):
        await blobs.declare_size(KEY, 6)
    with pytest.raises(BlobConflict):
        await blobs.create(KEY, 6)
    assert (await blobs.create(KEY, None)).size == 5
    for size in (-1, 1 << 63):
        with pytest.raises(InvalidInput):
            await blobs.declare_size(KEY, size)


async def test_the_declared_size_may_be_zero(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    assert (await blobs.declare_size(KEY, 0)).complete
    assert await read(blobs, KEY) == b""


async def test_the_digest_is_checked_when_the_size_is_declared_last(blobs: Blobs) -> None:
    await blobs.create(KEY, None, sha256=hashlib.sha256(b"right").hexdigest())
    await blobs.write(KEY, 0, stream(b"wrong"))
    with pytest.raises(DigestMismatch):
        await blobs.declare_size(KEY, 5)
    assert (await blobs.info(KEY)).received == ranges()
    await blobs.write(KEY, 0, stream(b"right"))
    assert (await blobs.declare_size(KEY, 5)).complete


async def test_a_chunk_in_progress_never_reaches_beyond_a_size_declared_meanwhile(
    blobs: Blobs, open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    await blobs.create(KEY, None)
    lease = await blobs.lease_append(KEY)
    sender = Sender(b"A" * MIB, b"A" * 2 * MIB)
    appending = asyncio.create_task(blobs.append(KEY, 0, sender.stream(), token=lease.token))
    await sender.silent.wait()
    await blobs.declare_size(KEY, MIB)
    sender.lost.set()
    with pytest.raises((ChunkOutOfBounds, SourceLost)):
        await appending
    whole = await blobs.write(KEY, 0, stream(b"B" * MIB))
    assert whole.complete
    path = blobs.local_path(KEY)
    assert path is not None
    assert path.stat().st_size == MIB


# --- assemble

PARTS = [upload_key(UUID(int=number)) for number in (11, 12, 13)]


async def test_a_blob_is_assembled_of_others(blobs: Blobs) -> None:
    contents = [random.Random(n).randbytes(n) for n in (3 * MIB + 1, 0, 70_001)]
    for key, content in zip(PARTS, contents, strict=True):
        await made(blobs, key, content)

    info = await blobs.assemble(KEY, [*PARTS, PARTS[0]], metadata={"filename": "a.csv"})

    expected = b"".join(contents) + contents[0]
    assert (info.size, info.complete, info.metadata) == (len(expected), True, {"filename": "a.csv"})
    assert await read(blobs, KEY) == expected
    assert blobs.local_path(KEY) is not None
    # The parts have not changed, and a repetition returns the same
    assert await read(blobs, PARTS[0]) == contents[0]
    await blobs.delete(PARTS[0])
    with pytest.raises(BlobNotFound):
        await blobs.assemble(KEY, PARTS)
    assert await read(blobs, KEY) == expected


async def test_concurrent_assemblies_create_one_blob(blobs: Blobs) -> None:
    for key in PARTS:
        await made(blobs, key, b"part")
    infos = await asyncio.gather(
        *(blobs.assemble(KEY, PARTS, metadata={"by": str(number)}) for number in range(6))
    )
    assert len({info.metadata["by"] for info in infos}) == 1
    assert await read(blobs, KEY) == b"partpartpart"


async def test_only_complete_parts_are_assembled(blobs: Blobs) -> None:
    await made(blobs, PARTS[0], b"whole")
    await blobs.create(PARTS[1], 2)
    await blobs.create(PARTS[2], None)
    for parts in ([PARTS[0], PARTS[1]], [PARTS[2]]):
        with pytest.raises(BlobIncomplete):
            await blobs.assemble(KEY, parts)
    with pytest.raises(BlobNotFound):
        await blobs.assemble(KEY, [PARTS[0], upload_key(UUID(int=99))])
    for nonsense in ([], [PARTS[0], KEY]):
        with pytest.raises(InvalidInput):
            await blobs.assemble(KEY, nonsense)
    with pytest.raises(BlobNotFound):
        await blobs.info(KEY)


# --- reopening


async def test_appends_sizes_and_assemblies_survive_a_restart(
    open_blobs: OpenBlobs, tmp_path: Path
) -> None:
    without_size, with_size, assembled = (upload_key(UUID(int=number)) for number in (2, 3, 4))
    async with open_blobs(tmp_path) as blobs:
        for key in (without_size, with_size):
            await blobs.create(key, None)
            lease = await blobs.lease_append(key)
            await blobs.append(key, 0, stream(b"0123"), token=lease.token)
        await blobs.declare_size(with_size, 6)
        await made(blobs, PARTS[0], b"part")
        await blobs.assemble(assembled, [PARTS[0], PARTS[0]])
        before = {key: await blobs.info(key) for key in (without_size, with_size, assembled)}

    async with open_blobs(tmp_path) as blobs:
        assert {key: await blobs.info(key) for key in before} == before
        assert await read(blobs, assembled) == b"partpart"
        assert (await blobs.write(with_size, 4, stream(b"45"))).complete
        lease = await blobs.lease_append(without_size)
        await blobs.append(without_size, 4, stream(b"45"), token=lease.token)
        await blobs.declare_size(without_size, 6)

    async with open_blobs(tmp_path) as blobs:
        for key in (without_size, with_size):
            assert await read(blobs, key) == b"012345"
