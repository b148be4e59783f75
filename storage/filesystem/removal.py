"""Remove blobs: when they are deleted, when they are idle, and when they are elsewhere."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from shared.blobs.blob import check_idle_time
from shared.blobs.layout import blob_folder
from storage.filesystem.atomic_folders import trash_folder
from storage.filesystem.disk import uninterrupted
from storage.filesystem.walk import last_use

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.blobs.blob import BlobKey
    from shared.blobs.listener import BlobListener
    from storage.filesystem.blob_cache import BlobCache
    from storage.filesystem.disk import Disk
    from storage.filesystem.promises import Promises
    from storage.filesystem.root import RootFolder


class Removal:
    """Removes blobs in the folder `root`, and what `promises` keep for them.

    Reports to `listener`. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        root: RootFolder,
        disk: Disk,
        cache: BlobCache,
        promises: Promises,
        listener: BlobListener,
        clock: Callable[[], float],
        *,
        fsync: bool,
    ) -> None:
        self._root = root
        self._disk = disk
        self._cache = cache
        self._promises = promises
        self._listener = listener
        self._clock = clock
        self._fsync = fsync

    async def delete(self, key: BlobKey) -> None:
        """See `Blobs.delete`."""
        async with self._cache.lock(key):
            trash = await uninterrupted(self._remove(key))
        if trash is not None:
            self._listener.blob_changed(key, "removed")
            await self._disk.run(shutil.rmtree, trash)

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See `Blobs.expire`. Raises InvalidInput unless `idle_for` is finite and not negative."""
        check_idle_time(idle_for)
        path = blob_folder(self._root.path, key)
        async with self._cache.lock(key):
            if self._cache.in_use(key):
                return False
            last = await self._disk.run(last_use, path)
            if last is None or used not in (None, last):
                return False
            if max(0.0, self._clock() - last) < idle_for:
                return False
            trash = await uninterrupted(self._remove(key))
        if trash is None:
            return False
        self._listener.blob_changed(key, "expired")
        await self._disk.run(shutil.rmtree, trash)
        return True

    async def release(self, key: BlobKey) -> None:
        """Remove a complete blob, of which there is a copy elsewhere now.

        Those who read it, or compare bytes with it, do so to the end.
        """
        trash = self._root.trash_path()
        async with self._cache.lock(key):
            await uninterrupted(self._release(key, trash))

    async def _release(self, key: BlobKey, trash: Path) -> None:
        found = await self._disk.run(self._trash, key, blob_folder(self._root.path, key), trash)
        self._promises.remove(key)
        if found:
            remove = partial(shutil.rmtree, trash, ignore_errors=True)
            self._cache.detach(key, partial(self._disk.submit, remove))

    async def _remove(self, key: BlobKey) -> Path | None:
        """Move the blob to the trash and return its path there; None if there is none.

        Call with the lock of `key` held.
        """
        trash = self._root.trash_path()
        path = blob_folder(self._root.path, key)
        found = await self._disk.run(self._trash, key, path, trash)
        self._cache.forget(key)
        self._promises.remove(key)
        return trash if found else None

    def _trash(self, key: BlobKey, path: Path, trash: Path) -> bool:
        if self._root.log is not None:
            self._root.log.remove(key)
        return trash_folder(path, trash, fsync=self._fsync)
