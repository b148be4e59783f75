"""The contract of the Blobs port while the digest of a blob is verified."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from shared.blobs.byte_ranges import RangeSet
from shared.errors import AppendLeaseLost, BlobNotFound, DigestMismatch, OffsetConflict
from tests.blob_backends import read, stream
from tests.contract.blobs.chunks import KEY
from tests.verifying import TIMEOUT, paused_verification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.blobs.blob import BlobInfo
    from shared.ports import Blobs

CONTENT = random.Random(3).randbytes(5000)
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Late:
    """Appends under later leases, while the blob is verified."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._appends: list[asyncio.Task[BlobInfo]] = []

    async def append(self, offset: int, token: int) -> None:
        """Start an append of the remaining bytes; return once all of them were read."""
        taken = asyncio.Event()

        async def data() -> AsyncIterator[bytes]:
            yield CONTENT[offset:]
            taken.set()

        appending = self._blobs.append(KEY, offset, data(), token=token)
        self._appends.append(asyncio.create_task(appending))
        await taken.wait()

    async def outcomes(self) -> list[BlobInfo | BaseException]:
        return await asyncio.gather(*self._appends, return_exceptions=True)


async def test_a_chunk_is_refused_and_an_empty_one_answered_during_a_verification(
    blobs: Blobs,
) -> None:
    async def refuse(_: BlobInfo) -> None:
        raise OffsetConflict("not here")

    await blobs.create(KEY, SIZE, sha256=SHA256)
    async with paused_verification() as verification:
        sending = asyncio.create_task(blobs.write(KEY, 0, stream(CONTENT)))
        await verification.started()
        async with asyncio.timeout(TIMEOUT / 2):
            for refused in (blobs.write, blobs.append):
                with pytest.raises(OffsetConflict):
                    await refused(KEY, 5, stream(b"x"), admit=refuse)
            assert not (await blobs.write(KEY, 5, stream(b""))).complete
        assert not sending.done()
        verification.resume()
        assert (await sending).complete


@pytest.mark.parametrize("keep", [True, False])
async def test_a_lease_is_granted_at_once_and_one_byte_is_missing(blobs: Blobs, keep: bool) -> None:
    await blobs.create(KEY, SIZE, sha256=SHA256)
    first = await blobs.lease_append(KEY)
    late = Late(blobs)
    async with paused_verification() as verification:
        sending = asyncio.create_task(
            blobs.append(KEY, 0, stream(CONTENT), token=first.token, whole=not keep)
        )
        await verification.started()
        for _ in range(3):
            lease = await blobs.lease_append(KEY)
            assert (lease.blob.prefix, lease.blob.complete) == (SIZE - 1, False)
            assert await blobs.info(KEY) == lease.blob
            assert blobs.local_path(KEY) is None
            assert await read(blobs, KEY, SIZE - 9, SIZE - 1) == CONTENT[-9:-1]
            # An append of that byte waits; the next lease does not
            await late.append(SIZE - 1, lease.token)
        verification.resume()
        assert (await sending).complete
        for outcome in await late.outcomes():
            # (over HTTP the byte may not have reached storage when the next lease was granted)
            assert isinstance(outcome, AppendLeaseLost) or (await blobs.info(KEY)) == outcome
    assert await read(blobs, KEY) == CONTENT


async def test_a_chunk_that_fills_a_gap_lacks_the_last_byte_of_the_gap(blobs: Blobs) -> None:
    await blobs.create(KEY, SIZE, sha256=SHA256)
    await blobs.write(KEY, 2000, stream(CONTENT[2000:]))
    async with paused_verification() as verification:
        writing = asyncio.create_task(blobs.write(KEY, 0, stream(CONTENT[:3000])))
        await verification.started()
        assert (await blobs.info(KEY)).received == RangeSet.of([(0, 1999), (2000, SIZE)])
        verification.resume()
        assert (await writing).complete
    assert await read(blobs, KEY) == CONTENT


async def test_a_lease_is_granted_at_once_when_the_size_is_declared_last(blobs: Blobs) -> None:
    await blobs.create(KEY, None, sha256=SHA256)
    lease = await blobs.lease_append(KEY)
    await blobs.append(KEY, 0, stream(CONTENT), token=lease.token)
    late = Late(blobs)
    async with paused_verification() as verification:
        declaring = asyncio.create_task(blobs.declare_size(KEY, SIZE))
        await verification.started()
        for _ in range(3):
            lease = await blobs.lease_append(KEY)
            assert (lease.blob.prefix, lease.blob.complete) == (SIZE, False)
            await late.append(SIZE, lease.token)
        verification.resume()
        assert (await declaring).complete
        await late.outcomes()


async def test_bytes_with_another_digest_are_dropped_whatever_lease_was_granted(
    blobs: Blobs,
) -> None:
    await blobs.create(KEY, SIZE, sha256=SHA256)
    first = await blobs.lease_append(KEY)
    async with paused_verification() as verification:
        sending = asyncio.create_task(blobs.append(KEY, 0, stream(bytes(SIZE)), token=first.token))
        await verification.started()
        lease = await blobs.lease_append(KEY)
        verification.resume()
        with pytest.raises(DigestMismatch):
            await sending
    assert (await blobs.info(KEY)).received == RangeSet()
    assert (await blobs.append(KEY, 0, stream(CONTENT), token=lease.token)).complete


async def test_a_blob_being_verified_can_be_deleted_at_once(blobs: Blobs) -> None:
    await blobs.create(KEY, SIZE, sha256=SHA256)
    lease = await blobs.lease_append(KEY)
    async with paused_verification() as verification:
        sending = asyncio.create_task(blobs.append(KEY, 0, stream(CONTENT), token=lease.token))
        await verification.started()
        await blobs.delete(KEY)
        with pytest.raises(BlobNotFound):
            await blobs.info(KEY)
        verification.resume()
        with pytest.raises(BlobNotFound):
            await sending
