"""A blob in memory: what is received, who is writing, and the steps that change it."""

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
from storage.filesystem.folder import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.filesystem.disk import Disk
    from storage.filesystem.folder import BlobFolder, State

log = logging.getLogger(__name__)

_HASHED_AT_ONCE = 64 << 20
"""Bytes that are hashed before a cancellation is noticed."""
_HASH_PIECE = 1 << 20


class Writer(Protocol):
    """A chunk that is being received into a blob (`storage.filesystem.chunk_writer`)."""

    @property
    def claims(self) -> RangeSet:
        """The bytes that only this writer may write into the data file."""
        ...

    async def lose(self, taken: RangeSet) -> None:
        """Give up the claim to `taken`. On return, the writer writes nothing there any more."""
        ...

    async def settled(self) -> None:
        """Wait for the write in progress, if any."""
        ...


class Blob:
    """One loaded blob. Memory and disk agree whenever `lock` is free.

    Chunks are received side by side; `lock` is held only to record that one has arrived, and
    while the digest of the whole is verified, when there is nothing to record but one byte.
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
        self.deleted = False
        self.append_leases = AppendLeases(self.folder.meta.key)
        self._limit = folder.meta.size
        self._failure: CsvmillError | None = None
        self._records = state.records
        self._disk = disk
        self._clock = clock
        self._completed_at = state.completed_at

    @property
    def size(self) -> int | None:
        """Bytes, as declared."""
        return self.folder.meta.size

    @property
    def limit(self) -> int:
        """Bytes that the blob may have at the most."""
        return MAX_SIZE if self._limit is None else self._limit

    @property
    def failed(self) -> bool:
        """Whether disk and memory may disagree, so that the blob has to be loaded again."""
        return self._failure is not None

    def info(self) -> BlobInfo:
        """The blob as it stands."""
        meta = self.folder.meta
        return BlobInfo(
            meta.key, meta.size, self.received, meta.sha256, dict(meta.metadata), self._completed_at
        )

    def check(self, generation: int | None = None) -> None:
        """Raise unless the blob can be changed, and is of that generation still."""
        if self.deleted:
            raise BlobNotFound(f"blob {self.folder.meta.key} has been deleted")
        if self._failure is not None:
            raise StorageUnavailable(
                f"blob {self.folder.meta.key}: {self._failure}"
            ) from self._failure
        if generation is not None and generation != self.generation:
            raise DigestMismatch(
                f"blob {self.folder.meta.key}: began anew, as its bytes did not have the "
                "declared digest"
            )

    async def record(self, start: int, stop: int, data_fd: int) -> None:
        """Note, durably, that the bytes `start..stop` are received; call with `lock` held.

        Completes the blob if they were the last ones missing: then `data_fd` is open for
        reading. Raises DigestMismatch, after which nothing is received any more.
        """
        received = self.received.add(start, stop)
        if received == self.received:
            return
        if self.size is None or not received.covers(0, self.size):
            await uninterrupted(self._append(start, stop, received))
            return
        if self.folder.meta.sha256 is not None:
            await self._hold_back(start, stop)
            await self._verify(data_fd, self.size)
        await uninterrupted(self._complete(received))

    async def _hold_back(self, start: int, stop: int) -> None:
        """Note that `start..stop` is received, but for the last byte that was missing.

        So while the whole is verified, which may take long, the blob is not complete, everybody
        can be told how it stands, and whatever interrupts it, one byte has to be sent again.
        """
        last = self.received.missing(start, stop)[-1].stop - 1
        received = self.received.add(start, last)
        if received != self.received:
            await uninterrupted(self._append(start, last, received))

    async def declare_size(self, size: int) -> None:
        """Give a blob its size that was created without. Raises as `Blobs.declare_size`."""
        async with self.lock:
            self.check()
            if self.size == size:
                return
            key = self.folder.meta.key
            if self.size is not None:
                raise BlobConflict(f"blob {key} has {self.size} bytes, not {size}")
            if any(held.stop > size for held in self.received):
                raise ChunkOutOfBounds(f"bytes beyond {size} of blob {key} have been received")
            # From now on nobody begins to write beyond it; what was begun has to be over.
            self._limit = size
            fds: list[int] = []
            try:
                for writer in tuple(self.writers):
                    await writer.settled()
                await self._cut(fds, size)
                if self.received.covers(0, size):
                    await self._verify(fds[0], size)
                await uninterrupted(self._declare(size))
            finally:
                self._limit = self.folder.meta.size
                await self._disk.close_files(fds)

    async def _cut(self, fds: list[int], size: int) -> None:
        def cut() -> None:
            # Kept here and not returned: a cancellation would drop what is returned.
            fds.append(self.folder.cut(self.generation, size))

        await self._disk.run(cut)

    async def _verify(self, data_fd: int, size: int) -> None:
        """Raise DigestMismatch if the bytes are not those declared; nothing is received then."""
        if self.folder.meta.sha256 is None:
            return
        with self.append_leases.all_in():
            digest = await self._digest(data_fd, size)
        self.check()
        if digest != self.folder.meta.sha256:
            await uninterrupted(self._begin_anew())
            raise DigestMismatch(
                f"blob {self.folder.meta.key}: SHA-256 of the bytes is {digest}, declared "
                f"was {self.folder.meta.sha256}; all bytes have to be sent again"
            )

    async def _declare(self, size: int) -> None:
        try:
            await self._disk.run(self.folder.declare_size, size)
        except CsvmillError as error:
            self._fail(error)
            raise
        if self.received.covers(0, size):
            await self._complete(self.received)

    async def _append(self, start: int, stop: int, received: RangeSet) -> None:
        try:
            await self._disk.run(
                self.folder.append_record, self.generation, self._records, start, stop
            )
        except CsvmillError:
            await self._take_back()
            raise
        self._records += 1
        self.received = received

    async def _take_back(self) -> None:
        try:
            await self._disk.run(self.folder.truncate_journal, self._records)
        except CsvmillError as error:
            self._fail(error)

    async def _complete(self, received: RangeSet) -> None:
        try:
            self._completed_at = await self._disk.run(
                self.folder.complete, self.generation, self._clock()
            )
        except CsvmillError as error:
            self._fail(error)
            raise
        self.received = received
        log.info("blob %s is complete: %d bytes", self.folder.meta.key, len(received))

    async def _begin_anew(self) -> None:
        try:
            await self._disk.run(self.folder.begin_anew, self.generation + 1)
        except CsvmillError as error:
            self._fail(error)
            raise
        self.generation += 1
        self.received = RangeSet()
        self._records = 0

    def lost(self, error: CsvmillError) -> None:
        """The disk does not have what memory says: have the blob loaded again."""
        self._fail(error)

    def _fail(self, error: CsvmillError) -> None:
        # The step may or may not have reached the disk. Nobody changes this blob any more until
        # all have let go of it; then it is loaded from what the disk says.
        self._failure = error
        if not self.deleted:
            log.error("blob %s: has to be loaded again: %s", self.folder.meta.key, error)

    async def _digest(self, fd: int, size: int) -> str:
        digest = hashlib.sha256()

        def feed(start: int, stop: int) -> None:
            for at in range(start, stop, _HASH_PIECE):
                digest.update(read_exactly(fd, min(_HASH_PIECE, stop - at), at))

        for start in range(0, size, _HASHED_AT_ONCE):
            self.check()
            await self._disk.run(feed, start, min(start + _HASHED_AT_ONCE, size))
        return digest.hexdigest()
