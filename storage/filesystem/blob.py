"""A blob in memory: which bytes are received, who is writing, and every change of its state."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING, Protocol

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.errors import (
    BlobConflict,
    BlobNotFound,
    ChunkOutOfBounds,
    CsvmillError,
    DigestMismatch,
    StorageUnavailable,
)
from storage.filesystem.append_leases import AppendLeases
from storage.filesystem.disk import read_exactly, uninterrupted
from storage.filesystem.meta import MAX_SIZE, version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.filesystem.disk import Disk
    from storage.filesystem.folder import BlobFolder, State

log = logging.getLogger(__name__)

_HASH_STEP = 64 << 20
"""Bytes hashed in one call; a cancellation takes effect between calls."""
_HASH_PIECE = 1 << 20


class Writer(Protocol):
    """A chunk that is being received into a blob (`storage.filesystem.chunk_writer`)."""

    @property
    def claims(self) -> RangeSet:
        """The bytes that only this writer may write into the data file."""
        ...

    async def give_up(self, ranges: RangeSet) -> RangeSet:
        """Give up the claim to `ranges`; return those that were claimed, and are written.

        On return, the writer writes nothing there any more.
        """
        ...

    def overwritten(self, at: int) -> None:
        """Tell the writer that another one writes other bytes where it had given up its claim."""
        ...

    async def wait_for_write(self) -> None:
        """Return when the write in progress, if any, has ended."""
        ...


class Blob:
    """A loaded blob. Memory and disk agree whenever `lock` is free.

    Chunks are received concurrently. `lock` is held only while a chunk is recorded, and while the
    digest of the blob is verified, when nothing but the last byte can be recorded.
    """

    def __init__(
        self, folder: BlobFolder, state: State, disk: Disk, clock: Callable[[], float]
    ) -> None:
        self.folder = folder
        self.generation = state.generation
        self.received = state.received
        self.lock = asyncio.Lock()
        self.writers: set[Writer] = set()
        self.users = 0
        self.watchers = 0
        self.deleted = False
        self.detached: Callable[[], object] | None = None
        """Called when the last user has left, if this blob is kept for them only."""
        self._changed = asyncio.Event()
        self.append_leases = AppendLeases(self.folder.meta.key)
        self._limit = folder.meta.size
        self._failure: CsvmillError | None = None
        self._records = state.records
        self._disk = disk
        self._clock = clock
        self._completed_at = state.completed_at

    @property
    def size(self) -> int | None:
        """The declared size in bytes; None until it is declared."""
        return self.folder.meta.size

    @property
    def limit(self) -> int:
        """The end up to which bytes may be written."""
        return MAX_SIZE if self._limit is None else self._limit

    @property
    def version(self) -> str:
        """See `BlobInfo`."""
        return version_of(self.folder.meta)

    @property
    def complete(self) -> bool:
        """Whether every byte has been received."""
        return self.size is not None and self.received.covers(0, self.size)

    @property
    def failed(self) -> bool:
        """Whether memory and disk may disagree, so that the blob must be loaded again."""
        return self._failure is not None

    def info(self) -> BlobInfo:
        """Return a description of the blob as it is now."""
        meta = self.folder.meta
        return BlobInfo(
            meta.key,
            meta.size,
            self.received,
            meta.sha256,
            dict(meta.metadata),
            self._completed_at,
            self.version,
        )

    async def changed(self) -> None:
        """Return when bytes are received or discarded, or the blob is deleted or fails."""
        await self._changed.wait()

    def mark_deleted(self) -> None:
        """Refuse further changes, as the folder was removed."""
        self.deleted = True
        self._notify()

    def check(self, generation: int | None = None) -> None:
        """Raise unless the blob can be changed and still has the given generation.

        Raises BlobNotFound if it was deleted, StorageUnavailable if it has failed, DigestMismatch
        if its bytes were discarded since.
        """
        if self.deleted:
            raise BlobNotFound(f"blob {self.folder.meta.key} has been deleted")
        if self._failure is not None:
            raise StorageUnavailable(
                f"blob {self.folder.meta.key}: {self._failure}"
            ) from self._failure
        if generation is not None and generation != self.generation:
            raise DigestMismatch(
                f"blob {self.folder.meta.key}: its bytes did not have the declared digest and were "
                "discarded"
            )

    async def record(self, start: int, stop: int, data_fd: int) -> None:
        """Record durably that the bytes `start..stop` are received. Call with `lock` held.

        The bytes themselves must be durable before the call. If they were the last ones missing,
        verifies the digest, reading from `data_fd`, and completes the blob. Raises DigestMismatch
        if the digest differs; then no bytes are received any more.
        """
        received = self.received.add(start, stop)
        if received == self.received:
            return
        if self.size is None or not received.covers(0, self.size):
            await uninterrupted(self._append_record(start, stop, received))
            return
        if self.folder.meta.sha256 is not None:
            await self._record_all_but_last_byte(start, stop)
            await self._verify(data_fd, self.size)
        await uninterrupted(self._complete(received))

    async def _record_all_but_last_byte(self, start: int, stop: int) -> None:
        """Record `start..stop` except for the last missing byte.

        Verification may take long. Meanwhile the blob must not be complete, its state can be
        read, and after a crash the client must send one byte, not all of them.
        """
        last = self.received.missing(start, stop)[-1].stop - 1
        received = self.received.add(start, last)
        if received != self.received:
            await uninterrupted(self._append_record(start, last, received))

    async def declare_size(self, size: int) -> None:
        """Declare the size (bytes) of a blob created without one. Raises as `Blobs.declare_size`.

        Order on disk: the data file gets its size, the digest is verified, the size goes into the
        meta file, the blob is completed. A crash between two steps leaves a valid state.
        """
        async with self.lock:
            self.check()
            if self.size == size:
                return
            key = self.folder.meta.key
            if self.size is not None:
                raise BlobConflict(f"blob {key} has {self.size} bytes, not {size}")
            if any(held.stop > size for held in self.received):
                raise ChunkOutOfBounds(f"bytes beyond {size} of blob {key} have been received")
            # No new write begins beyond the limit; wait for those in progress.
            self._limit = size
            fds: list[int] = []
            try:
                for writer in tuple(self.writers):
                    await writer.wait_for_write()
                await self._truncate_data(fds, size)
                if self.received.covers(0, size):
                    await self._verify(fds[0], size)
                await uninterrupted(self._store_size(size))
            finally:
                self._limit = self.folder.meta.size
                await self._disk.close_files(fds)

    async def _truncate_data(self, fds: list[int], size: int) -> None:
        def truncate() -> None:
            # Appended here, not returned: a cancellation would lose the returned value.
            fds.append(self.folder.truncate_data(self.generation, size))

        await self._disk.run(truncate)

    async def _verify(self, data_fd: int, size: int) -> None:
        """Raise DigestMismatch, and discard all bytes, if they do not have the declared digest."""
        if self.folder.meta.sha256 is None:
            return
        with self.append_leases.verifying():
            digest = await self._digest(data_fd, size)
        self.check()
        if digest != self.folder.meta.sha256:
            await uninterrupted(self._reset())
            raise DigestMismatch(
                f"blob {self.folder.meta.key}: the bytes have the SHA-256 {digest}, declared was "
                f"{self.folder.meta.sha256}; send all bytes again"
            )

    async def _store_size(self, size: int) -> None:
        try:
            await self._disk.run(self.folder.declare_size, size)
        except CsvmillError as error:
            self.fail(error)
            raise
        if self.received.covers(0, size):
            await self._complete(self.received)

    async def _append_record(self, start: int, stop: int, received: RangeSet) -> None:
        try:
            await self._disk.run(
                self.folder.append_record, self.generation, self._records, start, stop
            )
        except CsvmillError:
            await self._truncate_journal()
            raise
        self._records += 1
        self.received = received
        self._notify()

    async def _truncate_journal(self) -> None:
        """Remove a record that may have been written in part."""
        try:
            await self._disk.run(self.folder.truncate_journal, self._records)
        except CsvmillError as error:
            self.fail(error)

    async def _complete(self, received: RangeSet) -> None:
        try:
            self._completed_at = await self._disk.run(
                self.folder.complete, self.generation, self._clock()
            )
        except CsvmillError as error:
            self.fail(error)
            raise
        self.received = received
        self._notify()
        log.info("blob %s is complete: %d bytes", self.folder.meta.key, len(received))

    async def _reset(self) -> None:
        try:
            await self._disk.run(self.folder.reset, self.generation + 1)
        except CsvmillError as error:
            self.fail(error)
            raise
        self.generation += 1
        self.received = RangeSet()
        self._records = 0
        self._notify()

    def fail(self, error: CsvmillError) -> None:
        """Refuse further changes until the blob has been loaded from disk again.

        For a step that may or may not have reached the disk. The blob is loaded again when its
        last user has released it.
        """
        self._failure = error
        self._notify()
        if not self.deleted:
            log.error("blob %s must be loaded again: %s", self.folder.meta.key, error)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _digest(self, fd: int, size: int) -> str:
        digest = hashlib.sha256()

        def update(start: int, stop: int) -> None:
            for at in range(start, stop, _HASH_PIECE):
                digest.update(read_exactly(fd, min(_HASH_PIECE, stop - at), at))

        for start in range(0, size, _HASH_STEP):
            self.check()
            await self._disk.run(update, start, min(start + _HASH_STEP, size))
        return digest.hexdigest()
