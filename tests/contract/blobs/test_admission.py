"""The contract of the Blobs port for requests that create, lease, describe and write at once."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from shared.blobs.blob import Declaration
from shared.blobs.byte_ranges import RangeSet
from shared.errors import (
    AppendLeaseLost,
    BlobConflict,
    BlobNotFound,
    ChunkOutOfBounds,
    DigestMismatch,
    InvalidInput,
    OffsetConflict,
)
from tests.blob_backends import read, stream
from tests.contract.blobs.chunks import KEY, MIB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.blobs.blob import BlobInfo
    from shared.ports import Blobs

SPEC = {"filename": "plays.csv", "spec": "ü" * 10_000}


class Source:
    """The bytes of a chunk. Records whether any were read."""

    def __init__(self, *pieces: bytes) -> None:
        self.read = False
        self._pieces = pieces

    async def stream(self) -> AsyncIterator[bytes]:
        self.read = True
        for piece in self._pieces:
            yield piece


class Gate:
    """An `admit` that records the blob, and refuses it with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.seen: list[BlobInfo] = []
        self._error = error

    async def admit(self, blob: BlobInfo) -> None:
        self.seen.append(blob)
        if self._error is not None:
            raise self._error


async def test_a_chunk_with_a_declaration_creates_the_blob(blobs: Blobs) -> None:
    declaration = Declaration(6, hashlib.sha256(b"abcdef").hexdigest(), SPEC)
    first = await blobs.write(KEY, 3, stream(b"def"), declaration=declaration)
    assert (first.size, first.sha256, first.metadata) == (6, declaration.sha256, SPEC)
    assert first.received == RangeSet.of([(3, 6)])
    assert (await blobs.write(KEY, 0, stream(b"abc"), declaration=declaration)).complete
    assert await read(blobs, KEY) == b"abcdef"


@pytest.mark.parametrize(
    ("declaration", "error"),
    [
        (Declaration(11), BlobConflict),
        (Declaration(10, "1" * 64), BlobConflict),
        (Declaration(-1), InvalidInput),
        (Declaration(10, "no digest"), InvalidInput),
        (Declaration(10, None, {"a": "b" * (64 << 10)}), InvalidInput),
        (Declaration(0, "1" * 64), DigestMismatch),
    ],
)
async def test_a_declaration_that_create_would_refuse_is_refused_before_a_byte_is_read(
    blobs: Blobs, declaration: Declaration, error: type[Exception]
) -> None:
    before = await blobs.create(KEY, 10, sha256="0" * 64)
    source = Source(b"abc")
    with pytest.raises(error):
        await blobs.write(KEY, 0, source.stream(), declaration=declaration)
    assert not source.read
    assert await blobs.info(KEY) == before


async def test_the_metadata_of_the_first_declaration_stays_and_is_shown(blobs: Blobs) -> None:
    await blobs.write(KEY, 0, stream(b"a"), declaration=Declaration(3, metadata=SPEC))
    gate = Gate()
    other = Declaration(3, metadata={"spec": "other"})
    await blobs.write(KEY, 1, stream(b"b"), declaration=other, admit=gate.admit)
    assert [blob.metadata for blob in gate.seen] == [SPEC]


async def test_many_chunks_may_declare_the_same_blob_at_once(blobs: Blobs) -> None:
    content = bytes(range(100)) * 100
    declaration = Declaration(len(content))
    await asyncio.gather(
        *(
            blobs.write(KEY, at, stream(content[at : at + 100]), declaration=declaration)
            for at in range(0, len(content), 100)
        )
    )
    assert await read(blobs, KEY) == content


@pytest.mark.parametrize("how", ["write", "append", "whole"])
async def test_a_chunk_is_admitted_with_the_blob_before_a_byte_is_read(
    blobs: Blobs, how: str
) -> None:
    await blobs.create(KEY, 10, metadata=SPEC)
    await blobs.write(KEY, 0, stream(b"ab"))
    source, gate = Source(b"c" * 3, b"d" * 2), Gate()

    async def admit(blob: BlobInfo) -> None:
        assert not source.read
        await gate.admit(blob)

    if how == "write":
        info = await blobs.write(KEY, 2, source.stream(), admit=admit)
    else:
        info = await blobs.append(KEY, 2, source.stream(), whole=how == "whole", admit=admit)
    assert [(blob.prefix, blob.metadata) for blob in gate.seen] == [(2, SPEC)]
    assert info.prefix == 7


@pytest.mark.parametrize("how", ["write", "append", "whole"])
async def test_a_chunk_that_is_not_admitted_is_not_read_and_the_next_one_is_taken(
    blobs: Blobs, how: str
) -> None:
    await blobs.create(KEY, 10)
    refusal = OffsetConflict("the upload is at 0, not at 5", expected=0, provided=5)
    for _ in range(3):
        source, gate = Source(b"x" * MIB), Gate(refusal)
        if how == "write":
            writing = blobs.write(KEY, 5, source.stream(), admit=gate.admit)
        else:
            whole = how == "whole"
            writing = blobs.append(KEY, 5, source.stream(), whole=whole, admit=gate.admit)
        with pytest.raises(OffsetConflict) as raised:
            await writing
        assert raised.value is refusal
        assert not source.read
        assert len(gate.seen) == 1
    assert not (await blobs.info(KEY)).received
    assert (await blobs.append(KEY, 0, stream(b"0123456789"))).complete


async def test_a_blob_that_does_not_exist_admits_nothing(blobs: Blobs) -> None:
    source, gate = Source(b"abc"), Gate()
    with pytest.raises(BlobNotFound):
        await blobs.write(KEY, 0, source.stream(), admit=gate.admit)
    with pytest.raises(BlobNotFound):
        await blobs.append(KEY, 0, source.stream(), admit=gate.admit)
    assert (gate.seen, source.read) == ([], False)


async def test_an_append_without_a_token_ends_the_appends_before_it(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    silent = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"abcd"
        silent.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(blobs.append(KEY, 0, hanging()))
    await silent.wait()
    async with asyncio.timeout(10):
        while not (await blobs.info(KEY)).prefix and not first.done():
            gate = Gate(OffsetConflict("not there"))
            # Only the lease: nothing is appended.
            with pytest.raises(OffsetConflict):
                await blobs.append(KEY, 0, stream(b"x"), admit=gate.admit)
    with pytest.raises(AppendLeaseLost):
        await first
    kept = (await blobs.info(KEY)).prefix
    assert kept in (0, 4)
    info = await blobs.append(KEY, kept, stream(b"abcdefghij"[kept:]))
    assert info.complete


async def test_a_lease_granted_before_the_chunk_is_admitted_refuses_it(blobs: Blobs) -> None:
    await blobs.create(KEY, 10)
    source = Source(b"abc")

    async def admit(_blob: BlobInfo) -> None:
        await blobs.lease_append(KEY)

    with pytest.raises(AppendLeaseLost):
        await blobs.append(KEY, 0, source.stream(), admit=admit)
    assert not (await blobs.info(KEY)).received


async def test_a_size_may_be_declared_while_a_chunk_is_admitted(blobs: Blobs) -> None:
    await blobs.create(KEY, None)

    async def admit(_blob: BlobInfo) -> None:
        await blobs.declare_size(KEY, 3)

    assert (await blobs.append(KEY, 0, stream(b"abc"), admit=admit)).complete


async def test_errors_of_an_admitted_chunk_are_those_of_one_that_needs_no_admission(
    blobs: Blobs,
) -> None:
    declaration = Declaration(4, hashlib.sha256(b"abcd").hexdigest())
    gate = Gate()
    with pytest.raises(ChunkOutOfBounds):
        await blobs.write(KEY, 0, stream(b"12345"), declaration=declaration, admit=gate.admit)
    assert not (await blobs.info(KEY)).received
    with pytest.raises(DigestMismatch):
        await blobs.write(KEY, 0, stream(b"1234"), declaration=declaration, admit=gate.admit)
    assert (await blobs.write(KEY, 0, stream(b"abcd"), declaration=declaration)).complete
    assert len(gate.seen) == 2


async def test_what_the_source_raises_is_raised_unchanged(blobs: Blobs) -> None:
    error = ValueError("the sender has disconnected")

    async def breaking() -> AsyncIterator[bytes]:
        yield b"ab"
        raise error

    with pytest.raises(ValueError, match="has disconnected") as raised:
        await blobs.write(KEY, 0, breaking(), declaration=Declaration(4))
    assert raised.value is error
    assert not (await blobs.info(KEY)).received
    with pytest.raises(ValueError, match="has disconnected"):
        await blobs.append(KEY, 0, breaking())
    assert (await blobs.info(KEY)).prefix == 2


async def test_a_blob_of_many_ranges_is_described_whole(blobs: Blobs) -> None:
    await blobs.create(KEY, 1000)
    for at in range(0, 200, 2):
        await blobs.write(KEY, at, stream(b"x"))
    gate = Gate()
    await blobs.write(KEY, 999, stream(b"x"), admit=gate.admit)
    assert len(gate.seen[0].received.ranges) == 100
