"""The Blobs port on a folder of this machine."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Self

from shared.blobs.blob import parse_kind
from shared.blobs.layout import blob_folder, complete_data
from shared.blobs.listener import NullBlobListener
from shared.errors import CsvmillError, StorageUnavailable
from storage.composed_blobs import ComposedBlobs
from storage.filesystem.blob_cache import BlobCache
from storage.filesystem.disk import Disk
from storage.filesystem.reading import Reading
from storage.filesystem.removal import Removal
from storage.filesystem.reserve import Reserve
from storage.filesystem.root import RootFolder
from storage.filesystem.walk import walk
from storage.filesystem.whole_blobs import WholeBlobs
from storage.filesystem.writing import Writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.blob import BlobActivity, BlobKey
    from shared.blobs.listener import BlobListener

THREADS = 8
MOVERS = 4
"""Threads that move large bodies from sockets into files. Bodies beyond these are read and written
by the others."""
IDLE_BLOBS = 128
"""Unused blobs that stay loaded. Each holds a file descriptor."""


class FilesystemBlobs(ComposedBlobs):
    """Implements `shared.ports.Blobs` in the folder `root`, which one process may use at a time.

    An asynchronous context: entering creates the folder if needed, locks it, and removes what a
    crash left half created or half deleted. With `fsync`, what the port calls durable survives a
    power loss; without, only a crash of the process. Reports to `listener`. `clock` returns Unix
    seconds. `reserve` bytes of the disk are kept free of uploads (None: the default).

    Memory: a chunk being received takes at most two batches of 1 MiB (each plus less than one
    piece of its data), a reader two pieces of 1 MiB. Parts of sockets take a buffer of each thread.
    """

    def __init__(
        self,
        root: Path,
        fsync: bool = True,
        *,
        listener: BlobListener | None = None,
        idle_blobs: int = IDLE_BLOBS,
        clock: Callable[[], float] = time.time,
        reserve: int | None = 0,
    ) -> None:
        self._root = RootFolder(root, fsync=fsync)
        self._reserve = Reserve(root, reserve)
        self._clock = clock
        self._fsync = fsync
        self._listener = listener or NullBlobListener()
        self._idle_blobs = idle_blobs
        # Higher than the tokens of earlier processes, unless the clock was set back.
        self._tokens = count(time.time_ns())
        self._disk: Disk
        self._cache: BlobCache
        self._whole: WholeBlobs
        self._reading: Reading
        self._writing: Writing
        self._removal: Removal

    async def __aenter__(self) -> Self:
        """Raises StorageUnavailable if another process uses the folder, or it is unusable."""
        self._disk = Disk(threads=THREADS, movers=MOVERS)
        self._cache = BlobCache(
            self._root.path, self._disk, fsync=self._fsync, idle=self._idle_blobs, clock=self._clock
        )
        self._whole = WholeBlobs(
            self._root, self._disk, self._cache, self._listener, self._clock, fsync=self._fsync
        )
        self._reading = Reading(self._disk, self._cache, self._listener, self._clock)
        self._writing = Writing(
            self._root,
            self._disk,
            self._cache,
            self._reading,
            self._whole,
            self._reserve,
            self._tokens,
            self._listener,
            self._clock,
            fsync=self._fsync,
        )
        self._assembly = self._writing
        self._removal = Removal(
            self._root,
            self._disk,
            self._cache,
            self._reserve.promises,
            self._listener,
            self._clock,
            fsync=self._fsync,
        )
        try:
            await self._disk.run(self._root.open)
            if self._reserve.keeps:
                self._disk.submit(self._reserve.promises.find)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cache.close()
        await self._disk.close()
        await asyncio.to_thread(self._root.close)

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port. Raises InvalidInput if `kind` is invalid."""
        folder = self._root.path / parse_kind(kind)
        async with aclosing(walk(folder, self._disk, self._clock)) as found:
            yield found

    async def exists(self, key: BlobKey) -> bool:
        """Whether there is a blob with this key."""
        return self._cache.loaded(key) or await self._disk.run(
            blob_folder(self._root.path, key).exists
        )

    def file(self, key: BlobKey, version: str) -> AbstractAsyncContextManager[int]:
        """The descriptor of the file with the bytes of a version, while the context is open.

        Raises as `follow`.
        """
        return self._reading.file(key, version)

    async def release(self, key: BlobKey) -> None:
        """Remove a complete blob, of which there is a copy elsewhere now.

        Those who read it, or compare bytes with it, do so to the end.
        """
        await self._removal.release(key)

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port."""
        return complete_data(self._root.path, key)

    async def ping(self) -> None:
        """See the port. Checks that a file can be created among the blobs."""
        try:
            await self._disk.run(self._root.probe)
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    def promised(self) -> int:
        """Return the bytes that are kept free for what uploads have declared; blocks."""
        return self._reserve.promises.measure()

    async def check_room(self) -> None:
        """See the port."""
        await self._disk.run(self._reserve.check_uploads)
