"""Bytes are sent again: the same ones change nothing, and other ones are refused."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from shared.blobs.blob import Declaration
from shared.blobs.content import WholeBytes
from shared.errors import BytesDiffer
from tests.blob_backends import read, stream
from tests.contract.blobs.chunks import KEY, MIB, Gated, ranges, sha256

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.blobs.blob import BlobInfo
    from shared.ports import Blobs

    Send = Callable[[Blobs, int, bytes], Awaitable[BlobInfo]]

SIZE = 3 * MIB + 4_321
CONTENT = random.Random(5).randbytes(SIZE)


def in_pieces(content: bytes, size: int = 65_537) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def altered(content: bytes, at: int) -> bytes:
    """Return the content with another byte at one offset."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


async def write(blobs: Blobs, offset: int, content: bytes) -> BlobInfo:
    return await blobs.write(KEY, offset, stream(*in_pieces(content)))


async def write_declared(blobs: Blobs, offset: int, content: bytes) -> BlobInfo:
    declared = Declaration(SIZE)
    return await blobs.write(KEY, offset, stream(*in_pieces(content)), declaration=declared)


async def append(blobs: Blobs, offset: int, content: bytes) -> BlobInfo:
    return await blobs.append(KEY, offset, stream(*in_pieces(content)))


async def append_whole(blobs: Blobs, offset: int, content: bytes) -> BlobInfo:
    return await blobs.append(KEY, offset, stream(*in_pieces(content)), whole=True)


WAYS: dict[str, Send] = {
    "write": write,
    "write_declared": write_declared,
    "append": append,
    "append_whole": append_whole,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "received", [(0, SIZE), (0, MIB), (MIB + 7, 2 * MIB + 9), (SIZE - 1, SIZE)]
)
async def test_the_same_bytes_are_taken_again(
    blobs: Blobs, way: str, received: tuple[int, int]
) -> None:
    await blobs.create(KEY, SIZE)
    await write(blobs, received[0], CONTENT[slice(*received)])

    assert (await WAYS[way](blobs, 0, CONTENT)).complete
    assert sha256(await read(blobs, KEY)) == sha256(CONTENT)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("received", "at"),
    [
        ((0, SIZE), 0),
        ((0, SIZE), SIZE - 1),
        ((0, SIZE), MIB),
        ((MIB + 7, 2 * MIB + 9), MIB + 7),
        ((MIB + 7, 2 * MIB + 9), 2 * MIB + 8),
        ((SIZE - 1, SIZE), SIZE - 1),
    ],
)
async def test_other_bytes_are_refused_and_change_nothing(
    blobs: Blobs, way: str, received: tuple[int, int], at: int
) -> None:
    await blobs.create(KEY, SIZE)
    await write(blobs, received[0], CONTENT[slice(*received)])
    before = await blobs.info(KEY)

    with pytest.raises(BytesDiffer, match=f"offset {at} "):
        await WAYS[way](blobs, 0, altered(CONTENT, at))

    assert await blobs.info(KEY) == before
    assert await read(blobs, KEY, *received) == CONTENT[slice(*received)]
    assert (await write(blobs, 0, CONTENT)).complete
    assert sha256(await read(blobs, KEY)) == sha256(CONTENT)


@pytest.mark.parametrize("way", ["write", "append"])
async def test_bytes_may_differ_where_none_were_received(blobs: Blobs, way: str) -> None:
    await blobs.create(KEY, SIZE)
    await write(blobs, MIB, CONTENT[MIB : 2 * MIB])
    other = altered(altered(CONTENT, MIB - 1), 2 * MIB)

    assert (await WAYS[way](blobs, 0, other)).complete
    assert sha256(await read(blobs, KEY)) == sha256(other)


async def test_a_small_file_that_is_sent_again_whole_is_compared(blobs: Blobs) -> None:
    async def send(content: bytes) -> BlobInfo:
        declared = Declaration(len(content))
        return await blobs.write(KEY, 0, WholeBytes(content), declaration=declared)

    await send(b"true")
    assert (await send(b"true")).complete
    with pytest.raises(BytesDiffer):
        await send(b"LIES")
    assert await read(blobs, KEY) == b"true"


async def test_bytes_of_unknown_size_are_compared(blobs: Blobs) -> None:
    await blobs.create(KEY, None)
    await write(blobs, 0, b"abc")

    assert (await write(blobs, 1, b"bcd")).received == ranges((0, 4))
    with pytest.raises(BytesDiffer):
        await write(blobs, 2, b"Cd")
    assert await read(blobs, KEY, 0, 4) == b"abcd"


async def test_of_two_requests_at_once_with_other_bytes_one_is_refused(blobs: Blobs) -> None:
    await blobs.create(KEY, 4 * MIB)
    hanging = Gated(b"A" * 2 * MIB, b"A" * 2 * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()

    # The first has written its bytes and has not recorded them.
    assert (await blobs.write(KEY, 0, stream(b"B" * 2 * MIB))).received == ranges((0, 2 * MIB))
    hanging.resume.set()

    with pytest.raises(BytesDiffer):
        await first
    assert (await blobs.info(KEY)).received == ranges((0, 2 * MIB))
    assert set(await read(blobs, KEY, 0, 2 * MIB)) == set(b"B")


async def test_a_request_is_refused_when_other_bytes_were_recorded_while_it_arrived(
    blobs: Blobs,
) -> None:
    await blobs.create(KEY, 2 * MIB)
    hanging = Gated(b"A" * MIB, b"A" * MIB)
    first = asyncio.create_task(blobs.write(KEY, 0, hanging.stream()))
    await hanging.paused.wait()
    second = Gated(b"B" * MIB, b"B" * MIB)
    late = asyncio.create_task(blobs.write(KEY, 0, second.stream()))
    await second.paused.wait()

    hanging.resume.set()
    assert (await first).complete
    second.resume.set()

    with pytest.raises(BytesDiffer):
        await late
    assert set(await read(blobs, KEY)) == set(b"A")
