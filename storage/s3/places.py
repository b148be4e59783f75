"""Where blobs are: on the disk of this server until they are complete, then in object storage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.errors import BlobNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.blobs.blob import Admit, BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.copies import Copies
    from storage.s3.documents import About
    from storage.s3.notes import Notes
    from storage.s3.remote import RemoteBlobs

T = TypeVar("T")


class Places:
    """Finds blobs in `local` and `remote`. `clock` returns Unix seconds.

    A blob moves from one to the other at any time, by `copies`; `notes` has its uses since.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        copies: Copies,
        notes: Notes,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._notes = notes
        self._clock = clock

    async def found(self, key: BlobKey, *, use: bool = True) -> About:
        """Return a blob in object storage, and count that as a use. Raises BlobNotFound."""
        if not use:
            about = await self._remote.find(key)
        else:
            async with self._copies.lock(key):
                about = await self._remote.find(key)
                if about is not None:
                    await self.use(key)
        if about is None:
            raise BlobNotFound(f"there is no blob {key}")
        return about

    async def somewhere(
        self, key: BlobKey, local: Callable[[], Awaitable[T]], remote: Callable[[], Awaitable[T]]
    ) -> T:
        """Do something with a blob where it is. Raises BlobNotFound."""
        if await self._local.exists(key):
            try:
                return await local()
            except BlobNotFound:
                if await self._local.exists(key):
                    raise
        return await remote()

    async def settled(self, work: Awaitable[BlobInfo]) -> BlobInfo:
        """Do something with a local blob; if that completes it, store it."""
        blob = await work
        if not blob.complete:
            return blob
        return (await self._copies.store(blob.key)).info()

    async def settled_or_shown(self, work: Awaitable[BlobInfo]) -> BlobInfo:
        """Describe a local blob. An empty one has no byte that could be missing: it is stored."""
        blob = await work
        if blob.complete and not blob.size:
            return (await self._copies.store(blob.key)).info()
        return shown(blob)

    async def use(self, key: BlobKey) -> None:
        """Remember that a blob in object storage is used now."""
        await asyncio.to_thread(self._notes.use, key, self._clock())


def shown(blob: BlobInfo) -> BlobInfo:
    """Describe a local blob that has all its bytes: the last one counts when it is stored."""
    if not blob.complete or not blob.size:
        return blob
    return BlobInfo(
        blob.key,
        blob.size,
        blob.received.without(RangeSet.of([(blob.size - 1, blob.size)])),
        blob.sha256,
        blob.metadata,
        None,
        blob.version,
    )


def shown_to(admit: Admit | None) -> Admit | None:
    """Return a function that shows `admit` a local blob as `shown` describes it."""
    if admit is None:
        return None
    admitted = admit

    async def show(blob: BlobInfo) -> None:
        await admitted(shown(blob))

    return show
