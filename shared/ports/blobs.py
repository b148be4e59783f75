"""The port to the bytes of uploads and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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
    from shared.blobs.content import Content


class Blobs(Protocol):
    """Bytes under keys, written in chunks at offsets, in any order, in parallel, repeatedly.

    Adapters: `storage.filesystem.blobs`, and `shared.blobs.client` over HTTP.
    Any method raises StorageUnavailable when storage does not answer in time.
    """

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """Declare a blob of `size` bytes, or return it as it stands if it is there already.

        With None the size is not known yet: `declare_size` has to tell it before the blob can
        become complete. A blob whose size has been told meanwhile is as good as one without.
        With `sha256` (lower-case hex) the blob becomes complete only if its bytes have that
        digest. The metadata of the first creation stays. Durable on return.
        Raises BlobConflict if the blob exists with another size or digest, StorageFull.
        """
        ...

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """Tell the size of a blob that was created without; repeating it is harmless.

        Durable on return. The blob is complete then if it has all its bytes. Raises BlobNotFound,
        BlobConflict if it has another size, ChunkOutOfBounds if bytes beyond it were received,
        DigestMismatch as `write`, StorageFull.
        """
        ...

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """Write a chunk at `offset` (bytes) and return the blob with the chunk's range received.

        All or nothing: if `data` raises, or reaches beyond the end, no range is recorded. A
        recorded range is durable, and its bytes never change again: of a chunk that overlaps
        what was received, only the missing parts are written. An empty chunk changes nothing.
        Memory is bounded whatever the chunk's size; `data` is read no faster than it is written.

        With a `declaration`, creates the blob first as `create` does, and raises what it raises.
        `admit` is awaited with the blob before the first byte of `data` is read; what it raises
        is raised, and nothing is written.
        Raises BlobNotFound, ChunkOutOfBounds, StorageFull, and DigestMismatch when the last
        missing byte arrives and the digest is not the declared one (the blob is then empty
        again). While the digest of the whole is verified, all is received but one byte, and stays
        so if storage is killed.
        """
        ...

    async def append(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[bytes],
        *,
        token: int | None = None,
        whole: bool = False,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """Write `data` from `offset` on under an append lease, and keep what arrives.

        What `data` raises is raised after all that it had yielded was recorded. If the calling
        process is killed, most of what it had sent is recorded; if storage is killed, all but the
        latest 16 MiB. With `whole`, all or nothing as `write`. Otherwise as `write`, but of data
        that reaches beyond the end, an unknown part is kept.

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

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """Make a complete blob of the bytes of other complete blobs, one after the other.

        In one step: there is either all of it, or nothing. If there is a blob `key` already, it
        is returned as it stands. The parts stay as they are. Raises BlobNotFound and
        BlobIncomplete for a part, InvalidInput if there is none, StorageFull.
        """
        ...

    async def info(self, key: BlobKey) -> BlobInfo:
        """What is known of a blob. Raises BlobNotFound."""
        ...

    async def peek(self, key: BlobKey) -> BlobInfo:
        """As `info`, but no use of the blob: see `expire`."""
        ...

    def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[Content]:
        """Read the bytes `start..stop` (to the end if `stop` is None) in pieces of bounded size.

        Where they are in a file that this process has open, the content names it.

        Entering raises BlobNotFound, ChunkOutOfBounds, or BlobIncomplete if a byte of the range
        has not been received; iterating raises StorageUnavailable if it cannot go on. What is
        yielded is never more or less than what was asked for.
        """
        ...

    async def delete(self, key: BlobKey) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    async def expire(self, key: BlobKey, *, idle_for: float) -> bool:
        """Remove a blob that nobody has used for `idle_for` seconds; whether it was removed.

        `create`, `write` and `info` are uses, and a chunk that is still on its way is one too.
        That is judged and acted upon in one step: whoever uses the blob at the same time either
        keeps it, or finds it gone.
        """
        ...

    def walk(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[BlobActivity]]:
        """Go through all blobs of a kind (`UPLOADS`, `RESULTS`), in no order and in bounded memory.

        Each that is there all the time comes once; one that comes or goes meanwhile may come.
        Entering and iterating raise StorageUnavailable: what has ended without it was whole.
        """
        ...

    def local_path(self, key: BlobKey) -> Path | None:
        """The file that holds the bytes of a complete blob, if this machine can read it."""
        ...

    async def ping(self) -> None:
        """Return if storage can be used now. Raises StorageUnavailable."""
        ...
