"""Create blobs and write their bytes; those of complete ones are compared."""

from __future__ import annotations

import logging
import time
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

from shared.blobs.blob import AppendLease, Declaration
from shared.errors import BlobConflict, BlobNotFound
from storage.filesystem.meta import check_conflict, check_declaration
from storage.s3.places import shown, shown_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    from shared.blobs.blob import Admit, BlobInfo, BlobKey
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.copies import Copies
    from storage.s3.documents import About
    from storage.s3.places import Places
    from storage.s3.reading import Reading
    from storage.s3.remote import RemoteBlobs

log = logging.getLogger(__name__)


class Writing:
    """Writes blobs of `local`; `copies` puts them into object storage. `reading` describes them.

    A blob that is complete, in `remote`, takes the same bytes again.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        copies: Copies,
        places: Places,
        reading: Reading,
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._places = places
        self._reading = reading
        self._tokens = count(time.time_ns())

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """See `Blobs.create`."""
        declaration = Declaration(size, sha256, dict(metadata or {}))
        about = await self._created(key, declaration)
        if about is not None:
            return about.info()
        info = await self._reading.info(key)
        check_conflict(info, declaration)
        return info

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """See `Blobs.declare_size`."""

        async def remote() -> BlobInfo:
            check_declaration(size, None, {})
            about = await self._places.found(key)
            if about.size != size:
                raise BlobConflict(f"blob {key} has {about.size} bytes, not {size}")
            return about.info()

        return await self._places.somewhere(
            key, lambda: self._places.settled(self._local.declare_size(key, size)), remote
        )

    async def write(
        self,
        key: BlobKey,
        offset: int,
        data: AsyncIterable[Piece],
        *,
        declaration: Declaration | None = None,
        admit: Admit | None = None,
    ) -> BlobInfo:
        """See `Blobs.write`."""
        if declaration is not None:
            about = await self._created(key, declaration)
            if about is not None:
                return await self._compare(key, offset, data, admit)
            check_conflict(await self._reading.peek(key), declaration)

        async def local() -> BlobInfo:
            return await self._places.settled(
                self._local.write(key, offset, data, admit=shown_to(admit))
            )

        async with self._copying(key):
            return await self._places.somewhere(
                key, local, lambda: self._compare(key, offset, data, admit)
            )

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
        """See `Blobs.append`."""

        async def local() -> BlobInfo:
            return await self._places.settled(
                self._local.append(
                    key, offset, data, token=token, whole=whole, admit=shown_to(admit)
                )
            )

        async with self._copying(key):
            return await self._places.somewhere(
                key, local, lambda: self._compare(key, offset, data, admit)
            )

    async def lease_append(self, key: BlobKey) -> AppendLease:
        """See `Blobs.lease_append`."""

        async def local() -> AppendLease:
            lease = await self._local.lease_append(key)
            return AppendLease(shown(lease.blob), lease.token)

        async def remote() -> AppendLease:
            return AppendLease((await self._places.found(key)).info(), next(self._tokens))

        return await self._places.somewhere(key, local, remote)

    async def _created(self, key: BlobKey, declaration: Declaration) -> About | None:
        """Create the blob here, unless it is anywhere; return it if it is in object storage."""
        size, sha256, metadata = declaration.size, declaration.sha256, dict(declaration.metadata)
        check_declaration(size, sha256, metadata)
        async with self._copies.lock(key):
            if await self._local.exists(key):
                return None
            about = await self._remote.find(key)
            if about is None:
                await self._local.create(key, size, sha256=sha256, metadata=metadata)
                return None
            await self._places.use(key)
        check_conflict(about.info(), declaration)
        return about

    async def _compare(
        self, key: BlobKey, offset: int, data: AsyncIterable[Piece], admit: Admit | None
    ) -> BlobInfo:
        """Take a chunk of a blob that is complete: its bytes have to be those that are there."""
        about = await self._places.found(key)
        try:
            if admit is not None:
                await admit(about.info())
            await self._remote.compare(about, offset, data)
            return about.info()
        finally:
            await self._places.use(key)

    @asynccontextmanager
    async def _copying(self, key: BlobKey) -> AsyncIterator[None]:
        """Copy the blob while bytes arrive in the context, if it is here."""
        if await self._local.exists(key):
            try:
                self._copies.begin(await self._local.peek(key))
            except BlobNotFound:
                log.debug("blob %s is no longer on the local disk", key)
        yield
