"""Describe and read blobs where they are."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from shared.blobs.content import FOLLOW_WAIT, Growth
from shared.errors import BlobNotFound, ChunkOutOfBounds, StorageUnavailable
from storage.filesystem.growth import check_versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.blobs.content import Content
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.copies import Copies
    from storage.s3.places import Places
    from storage.s3.remote import RemoteBlobs

log = logging.getLogger(__name__)


class Reading:
    """Reads blobs of `local` and `remote`, between which `copies` moves them."""

    def __init__(
        self, local: FilesystemBlobs, remote: RemoteBlobs, copies: Copies, places: Places
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._places = places

    async def info(self, key: BlobKey) -> BlobInfo:
        """See `Blobs.info`."""

        async def remote() -> BlobInfo:
            return (await self._places.found(key)).info()

        return await self._places.somewhere(
            key, lambda: self._places.settled_or_shown(self._local.info(key)), remote
        )

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See `Blobs.peek`."""

        async def remote() -> BlobInfo:
            return (await self._places.found(key, use=False)).info()

        return await self._places.somewhere(
            key, lambda: self._places.settled_or_shown(self._local.peek(key)), remote
        )

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See `Blobs.open`."""
        async with AsyncExitStack() as stack:
            content = None
            if await self._local.exists(key):
                try:
                    content = await stack.enter_async_context(self._local.open(key, start, stop))
                except BlobNotFound:
                    log.debug(
                        "blob %s is no longer on the local disk; it is read from object storage",
                        key,
                    )
            if content is None:
                content = await self._open_remote(stack, key, start, stop)
            yield content

    @asynccontextmanager
    async def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AsyncIterator[Growth]:
        """See `Blobs.follow`."""
        async with AsyncExitStack() as stack:
            growth = None
            if await self._local.exists(key):
                try:
                    if (await self._local.peek(key)).complete:
                        await self._wait_until_stored(key, wait)
                    growth = await stack.enter_async_context(
                        self._local.follow(key, start, version=version, wait=wait)
                    )
                except BlobNotFound:
                    if await self._local.exists(key):
                        raise
            if growth is None:
                about = await self._remote.known(key)
                check_versions(key, about.version, version)
                if not 0 <= start <= about.size:
                    raise ChunkOutOfBounds(f"blob {key} has {about.size} bytes, not {start}")
                pieces = self._remote.pieces(about, start, about.size)
                await stack.enter_async_context(aclosing(pieces))
                growth = Growth(pieces, start, about.version)
            yield growth

    async def _wait_until_stored(self, key: BlobKey, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._copies.store(key)
        except (TimeoutError, StorageUnavailable, BlobNotFound) as error:
            log.debug("blob %s is not stored yet: %s", key, error)

    async def _open_remote(
        self, stack: AsyncExitStack, key: BlobKey, start: int, stop: int | None
    ) -> Content:
        about = await self._remote.known(key)
        try:
            return await stack.enter_async_context(self._remote.open(about, start, stop))
        except BlobNotFound:  # it may have been removed, and created again
            about = await self._places.found(key, use=False)
            return await stack.enter_async_context(self._remote.open(about, start, stop))
