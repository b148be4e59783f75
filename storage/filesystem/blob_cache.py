"""The blobs loaded into memory: those in use, and the most recently used idle ones."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from shared.blobs.layout import blob_folder
from shared.errors import BlobNotFound
from storage.filesystem.blob import Blob
from storage.filesystem.folder import BlobFolder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from shared.blobs.blob import BlobKey
    from storage.filesystem.disk import Disk
    from storage.filesystem.folder import State


class BlobCache:
    """Loads each blob at most once at a time, and keeps up to `idle` unused ones loaded.

    Evicting a blob loses nothing: its folder holds its whole state.
    """

    def __init__(
        self, root: Path, disk: Disk, *, fsync: bool, idle: int, clock: Callable[[], float]
    ) -> None:
        self._root = root
        self._disk = disk
        self._fsync = fsync
        self._idle = idle
        self._clock = clock
        self._blobs: OrderedDict[BlobKey, Blob] = OrderedDict()
        self._locks: WeakValueDictionary[BlobKey, asyncio.Lock] = WeakValueDictionary()

    def lock(self, key: BlobKey) -> asyncio.Lock:
        """Return the lock to hold while the blob is created, loaded or deleted."""
        return self._locks.setdefault(key, asyncio.Lock())

    @asynccontextmanager
    async def use(self, key: BlobKey) -> AsyncIterator[Blob]:
        """The blob, which stays loaded while the context is open. Raises BlobNotFound."""
        async with self.lock(key):
            blob = self._blobs.get(key)
            if blob is None:
                blob = await self._load(key)
                self._blobs[key] = blob
            blob.users += 1
            self._blobs.move_to_end(key)
        try:
            yield blob
        finally:
            blob.users -= 1
            self._release(key, blob)

    @asynccontextmanager
    async def watch(self, key: BlobKey) -> AsyncIterator[Blob]:
        """The blob, which stays loaded while the context is open, without being in use.

        It may be deleted and expire meanwhile. Raises BlobNotFound.
        """
        async with self.use(key) as blob:
            blob.watchers += 1
        try:
            yield blob
        finally:
            blob.watchers -= 1
            self._release_detached(blob)
            self._evict()

    def loaded(self, key: BlobKey) -> bool:
        """Whether the blob is loaded. The answer cannot change while `lock(key)` is held."""
        return key in self._blobs

    def add(self, folder: BlobFolder, state: State) -> None:
        """Take over the folder of a blob that was just created. Call with its lock held."""
        self._blobs[folder.meta.key] = Blob(folder, state, self._disk, self._clock)
        self._evict()

    def in_use(self, key: BlobKey) -> bool:
        """Whether the blob is in use. The answer cannot change while `lock(key)` is held."""
        blob = self._blobs.get(key)
        return blob is not None and blob.users > 0

    def forget(self, key: BlobKey) -> None:
        """Drop a blob whose folder was removed. Call with `lock(key)` held."""
        blob = self._blobs.pop(key, None)
        if blob is not None:
            blob.mark_deleted()
            if not blob.users:
                blob.folder.close()

    def detach(self, key: BlobKey, unused: Callable[[], object]) -> None:
        """Drop a complete blob whose folder was moved away. Call with `lock(key)` held.

        Those who use or watch it finish with it. `unused` is called when the last of them has.
        """
        blob = self._blobs.pop(key, None)
        if blob is None or not blob.users | blob.watchers:
            if blob is not None:
                blob.folder.close()
            unused()
            return
        blob.detached = unused

    def close(self) -> None:
        """Close the folders of all blobs."""
        while self._blobs:
            _, blob = self._blobs.popitem()
            blob.folder.close()

    async def _load(self, key: BlobKey) -> Blob:
        loaded: list[Blob] = []

        def load() -> None:
            try:
                folder = BlobFolder.open(blob_folder(self._root, key), fsync=self._fsync)
            except FileNotFoundError:
                raise BlobNotFound(f"there is no blob {key}") from None
            try:
                state = folder.load()
            except BaseException:
                folder.close()
                raise
            loaded.append(Blob(folder, state, self._disk, self._clock))

        try:
            await self._disk.run(load)
        except asyncio.CancelledError:
            for blob in loaded:
                blob.folder.close()
            raise
        return loaded[0]

    def _release(self, key: BlobKey, blob: Blob) -> None:
        if blob.users:
            return
        if blob.detached is not None:
            self._release_detached(blob)
        elif blob.deleted:
            blob.folder.close()
        elif blob.failed:
            del self._blobs[key]
            blob.folder.close()
        else:
            self._evict()

    def _release_detached(self, blob: Blob) -> None:
        if blob.detached is not None and not blob.users | blob.watchers:
            blob.folder.close()
            blob.detached()
            blob.detached = None

    def _evict(self) -> None:
        surplus = len(self._blobs) - self._idle
        if surplus <= 0:
            return
        # The least recently used come first, so few are looked at.
        unused = (key for key, blob in self._blobs.items() if not blob.users | blob.watchers)
        for key in tuple(islice(unused, surplus)):
            self._blobs.pop(key).folder.close()
