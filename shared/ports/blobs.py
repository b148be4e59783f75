"""The port to the bytes of uploads and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.blobs.content import FOLLOW_WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.blob import (
        Admit,
        AppendLease,
        BlobActivity,
        BlobInfo,
        BlobKey,
        Declaration,
    )
    from shared.blobs.content import Content, Growth
    from shared.blobs.socket_part import Piece


class WritesBlobs(Protocol):
    """Creates blobs, and writes chunks into them."""

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """Create a blob of `size` bytes, or return it as it is if it exists.

        With None, the size has to be declared by `declare_size` before the blob can become
        complete; a blob whose size was declared since is returned too. With `sha256` (lower-case
        hex) the blob becomes complete only if its bytes have that digest. The metadata of the
        first creation stays. Durable on return.
        Raises BlobConflict if the blob exists with another size or digest, StorageFull.
        """
        ...

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """Declare the size of a blob that was created without one. Idempotent.

        Durable on return. Completes the blob if it has all its bytes. Raises BlobNotFound,
        BlobConflict if it has another size, ChunkOutOfBounds if bytes beyond `size` were received,
        DigestMismatch as `write`, StorageFull.
        """
        ...

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """Write a chunk at `offset` (bytes) and return the blob with the chunk's range received.

        All or nothing: if `data` raises, or reaches beyond the end, no range is recorded. A
        recorded range is durable, and its bytes never change again: a chunk that overlaps what was
        received has to have the same bytes there. An empty chunk changes nothing.
        Memory is bounded whatever the chunk's size; `data` is read no faster than it is written.
        A piece of it that is a part of a socket is taken before the next piece is asked for.

        With a `declaration`, creates the blob first as `create` does, and raises what it raises.
        `admit` is awaited with the blob before the first byte of `data` is read; what it raises
        is raised, and nothing is written.
        Raises BlobNotFound, ChunkOutOfBounds, BytesDiffer, StorageFull, and DigestMismatch when the
        last missing byte arrives and the digest is not the declared one (the blob is then empty
        again). While the digest of the whole is verified, all is received but one byte, and stays
        so if storage is killed.
        """
        ...

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """Write `data` from `offset` on under an append lease, and keep what arrives.

        What `data` raises is raised after all that it had yielded was recorded. If the calling
        process is killed, most of what it had sent is recorded; if storage is killed, all but the
        latest 16 MiB. With `whole`, all or nothing as `write`. Otherwise as `write`, but of data
        that reaches beyond the end, or differs from received bytes, an unknown part is kept.

        `token` is that of an append lease; without one, takes a lease first, as `lease_append`
        does, so that `admit` sees all that earlier appends have recorded. Raises AppendLeaseLost
        as soon as a later lease is granted, even while `data` yields nothing.
        """
        ...

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """Grant a lease to append to a blob, and end all leases granted before.

        Appends in progress raise AppendLeaseLost; what they had received is recorded on return.
        An append that has all bytes, and waits for the digest of the whole to be verified,
        continues, and no lease waits for it. Leases keep a request that hangs from blocking the
        next one; the bytes need no protection, as the first bytes received stay. Raises
        BlobNotFound.
        """
        ...


class AssemblesBlobs(Protocol):
    """Makes one blob of several."""

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """Make a complete blob of the bytes of other complete blobs, one after the other.

        Atomic. If the blob `key` exists, it is returned as it is. The parts are not changed.
        Raises BlobNotFound and BlobIncomplete for a part, InvalidInput without parts, StorageFull.
        """
        ...


class ReadsBlobs(Protocol):
    """Describes blobs, and reads their bytes."""

    async def info(self, key: BlobKey) -> BlobInfo:
        """Return the description of a blob. Raises BlobNotFound."""
        ...

    async def peek(self, key: BlobKey) -> BlobInfo:
        """Return the same as `info`, without counting as a use of the blob: see `expire`."""
        ...

    def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[Content]:
        """Read the bytes `start..stop` (to the end if `stop` is None) in pieces of bounded size.

        If this process has the file open that holds them, the content names it.

        Entering raises BlobNotFound, ChunkOutOfBounds, or BlobIncomplete if a byte of the interval
        has not been received; iterating raises StorageUnavailable if reading fails. Never yields
        more or less than the interval.
        """
        ...

    def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AbstractAsyncContextManager[Growth]:
        """Read the bytes from `start` on that were received without a gap, and more as they arrive.

        Ends when the blob is complete and was read to its end, or when no byte has arrived for
        `wait` seconds: call it again with the offset reached and the `version`. This is no use of
        the blob: see `expire`.

        Entering raises BlobNotFound if there is no such blob any more, or another one than that of
        the `version`; DigestMismatch if the bytes of the version were discarded; ChunkOutOfBounds
        if bytes before `start` have not been received. Iterating raises one of the first two, or
        StorageUnavailable: enter again to see whether the version still exists.
        """
        ...


class RemovesBlobs(Protocol):
    """Removes blobs."""

    async def delete(self, key: BlobKey) -> None:
        """Remove a blob. Does nothing if it does not exist."""
        ...

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """Remove a blob that was not used for `idle_for` seconds; return whether it was removed.

        `create`, `write`, `append` and `info` are uses, also while they last. Atomic: a use at the
        same time either keeps the blob, or finds that it does not exist.

        With `used`, of `walk`, a blob that was used since then is kept, however long ago that is:
        what the caller knows of it may be older.
        """
        ...


class Blobs(WritesBlobs, AssemblesBlobs, ReadsBlobs, RemovesBlobs, Protocol):
    """Bytes under keys, written in chunks at offsets: in any order, in parallel, repeatedly.

    Adapters: `storage.filesystem.blobs`, and `shared.blobs.client` over HTTP.
    Any method raises StorageUnavailable when storage does not answer in time.
    """

    def walk(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[BlobActivity]]:
        """Iterate over all blobs of a kind (`UPLOADS`, `RESULTS`), unordered, in bounded memory.

        A blob that exists all the time is yielded once; one that is created or removed meanwhile
        may be yielded. Entering and iterating raise StorageUnavailable; an iteration that ends
        without it was complete.
        """
        ...

    def local_path(self, key: BlobKey) -> Path | None:
        """Return the file with the bytes of a complete blob, if this machine can read it."""
        ...

    async def ping(self) -> None:
        """Return if storage can be used now. Raises StorageUnavailable."""
        ...

    async def check_room(self) -> None:
        """Return if uploads have space now. Raises StorageFull below the reserve of the disk."""
        ...
