"""The methods of the Blobs port that an adapter leaves to its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.blobs.content import FOLLOW_WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from shared.blobs.blob import Admit, AppendLease, BlobInfo, BlobKey, Declaration
    from shared.blobs.content import Content, Growth
    from shared.blobs.socket_part import Piece
    from shared.ports.blobs import AssemblesBlobs, ReadsBlobs, RemovesBlobs, WritesBlobs


class ComposedBlobs:
    """The base of adapters that are made of a part for each kind of method."""

    _writing: WritesBlobs
    _assembly: AssemblesBlobs
    _reading: ReadsBlobs
    _removal: RemovesBlobs

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See the port. Raises InvalidInput if the size, digest or metadata is invalid.

        An empty blob is complete immediately: raises DigestMismatch if `sha256` is not that of
        no bytes.
        """
        return await self._writing.create(key, size, sha256=sha256, metadata=metadata)

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See the port. Raises InvalidInput if the size is invalid."""
        return await self._writing.declare_size(key, size)

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See the port."""
        return await self._writing.write(key, offset, data, declaration=declaration, admit=admit)

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
        """See the port."""
        return await self._writing.append(key, offset, data, token=token, whole=whole, admit=admit)

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See the port."""
        return await self._writing.lease_append(key)

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See the port. Also raises InvalidInput if the metadata or the total size is invalid."""
        return await self._assembly.assemble(key, parts, metadata=metadata)

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await self._reading.info(key)

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await self._reading.peek(key)

    def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[Content]:
        """See the port. A blob deleted meanwhile stays readable to its end."""
        return self._reading.open(key, start, stop)

    def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AbstractAsyncContextManager[Growth]:
        """See the port."""
        return self._reading.follow(key, start, version=version, wait=wait)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await self._removal.delete(key)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port. Raises InvalidInput unless `idle_for` is finite and not negative."""
        return await self._removal.expire(key, idle_for=idle_for, used=used)
