"""Remove blobs where they are: when they are deleted, and when they are idle."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from shared.blobs.blob import check_idle_time
from storage.s3.client import ObjectGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.blobs.blob import BlobKey
    from shared.blobs.listener import BlobListener
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.copies import Copies
    from storage.s3.names import Names
    from storage.s3.notes import Notes
    from storage.s3.remote import RemoteBlobs


class Removal:
    """Removes blobs of `local` and `remote`, which is in `bucket`, and what `notes` has of them.

    Reports to `listener`. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        copies: Copies,
        bucket: Bucket,
        names: Names,
        notes: Notes,
        listener: BlobListener,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._bucket = bucket
        self._names = names
        self._notes = notes
        self._listener = listener
        self._clock = clock

    async def delete(self, key: BlobKey) -> None:
        """See `Blobs.delete`."""
        await self._copies.drop(key)
        async with self._copies.lock(key):
            await self._local.delete(key)
            about = await self._remote.find(key)
            if about is not None:
                await self._remote.remove(about)
                self._listener.blob_changed(key, "removed")
            await asyncio.to_thread(self._notes.forget, key)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See `Blobs.expire`."""
        check_idle_time(idle_for)
        async with self._copies.lock(key):
            if await self._local.exists(key):
                expired = await self._local.expire(key, idle_for=idle_for, used=used)
            else:
                return await self._expire_remote(key, idle_for, used)
        if expired:
            await self._copies.drop(key)
            await asyncio.to_thread(self._notes.forget, key)
        return expired

    async def _expire_remote(self, key: BlobKey, idle_for: float, used: float | None) -> bool:
        last = await self._last_use(key)
        if last is None or used not in (None, last):
            return False
        if max(0.0, self._clock() - last) < idle_for:
            return False
        about = await self._remote.find(key)
        if about is not None:
            await self._remote.remove(about)
        await self._copies.drop(key)
        await asyncio.to_thread(self._notes.forget, key)
        self._listener.blob_changed(key, "expired")
        return True

    async def _last_use(self, key: BlobKey) -> float | None:
        """Return the last use of a blob that is not here; None if it is nowhere."""
        for name in (self._names.about(key), self._names.inflight(key)):
            try:
                written = await self._bucket.modified(name)
            except ObjectGone:
                continue
            noted = await asyncio.to_thread(self._notes.last_use, key)
            return math.floor(written) if noted is None else noted
        return None
