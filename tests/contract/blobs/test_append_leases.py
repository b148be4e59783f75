"""One lease at a time permits appends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.errors import (
    AppendLeaseLost,
    BlobNotFound,
)
from tests.blob_backends import read, stream
from tests.contract.blobs.appends import Sender
from tests.contract.blobs.chunks import KEY, MIB, ranges

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import AppendLease
    from shared.ports import Blobs


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
