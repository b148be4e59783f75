"""Receives one chunk and puts it into its blob.

Chunks of a blob arrive side by side, and two of them may carry the same bytes: a client that
lost its connection sends again while the first request still lingers. Each writer claims the
bytes that it writes into the data file, so that nobody else touches them. What another writer
has claimed, it spills into a nameless file of its own; if that is still missing from the blob
when the chunk has arrived whole, it takes the claim over and copies. So neither waits for the
other, a chunk that breaks off leaves no mark on one that arrives, and a range is recorded only
with the bytes of one whole chunk. Normally no claim is contested and nothing is ever copied.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Self

from shared.blobs.byte_ranges import RangeSet
from shared.errors import BlobNotFound, ChunkOutOfBounds, StorageUnavailable
from shared.runtime.files import write_all
from storage.filesystem.disk import read_exactly, settle

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from storage.filesystem.blob import Blob
    from storage.filesystem.disk import Disk

BATCH = 1 << 20
"""Bytes collected before they are written. A chunk in flight holds at most two batches, one
being written while the next one fills, each exceeding this by less than one piece of `data`."""

_PIECES = 256
"""Pieces collected at most: far below IOV_MAX, the most that one system call writes."""
_COPY = 1 << 20


class ChunkWriter:
    """Writes one chunk from `offset` on. A context: leaving it gives up what is not committed."""

    def __init__(self, blob: Blob, disk: Disk, offset: int, scratch: Path) -> None:
        if not 0 <= offset <= blob.limit:
            raise ChunkOutOfBounds(f"offset {offset} is outside of the blob's {blob.limit} bytes")
        self.claims = RangeSet()
        """What is in the data file, or on its way there, and recorded by nobody yet."""
        self._lost = RangeSet()
        self._spilled = RangeSet()
        self._blob = blob
        self._disk = disk
        self._generation = blob.generation
        self._scratch = scratch
        self._start = self._stop = self._planned = offset
        self._batch: list[bytes] = []
        self._filled = 0
        self._writing: asyncio.Future[None] | None = None
        self._data_fd: int | None = None
        self._spill_fd: int | None = None

    async def __aenter__(self) -> Self:
        self._blob.writers.add(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._writing is not None:
                await settle(self._writing)
        finally:
            self._blob.writers.discard(self)
            fds = [fd for fd in (self._data_fd, self._spill_fd) if fd is not None]
            await self._disk.close_files(fds)

    @property
    def received(self) -> int:
        """Bytes of the chunk that have come in."""
        return self._stop - self._start

    async def receive(self, data: AsyncIterable[bytes]) -> None:
        """Take in the chunk. Raises ChunkOutOfBounds before a byte beyond the end is written."""
        async for piece in data:
            if not piece:
                continue
            self._stop += len(piece)
            self._check_bounds()
            self._batch.append(piece)
            self._filled += len(piece)
            if self._filled >= BATCH or len(self._batch) >= _PIECES:
                await self._flush()
        await self._flush()
        await self._settle()

    async def commit(self) -> BlobInfo:
        """Record the chunk, which has arrived whole, and return the blob as it stands then."""
        if self._data_fd is not None:
            await self._disk.run(self._blob.folder.sync, self._data_fd)
        async with self._blob.lock:
            self._blob.check(self._generation)
            self._check_bounds()
            if self._lost.without(self._blob.received):
                raise StorageUnavailable(
                    f"the same bytes of {self._blob.folder.meta.key} came in another request, "
                    "which could not record them; send the chunk again"
                )
            if taken := self._spilled.without(self._blob.received):
                await self._take_over(taken)
            # Without the file open nothing was missing, so that there is nothing to record.
            if self._data_fd is not None:
                await self._blob.record(self._start, self._stop, self._data_fd)
            return self._blob.info()

    async def lose(self, taken: RangeSet) -> None:
        """Give up the claim to `taken`; on return, nothing more is written there."""
        lost = self.claims.without(self.claims.without(taken))
        if not lost:
            return
        self.claims = self.claims.without(lost)
        self._lost = RangeSet.of((r.start, r.stop) for r in (*self._lost, *lost))
        await self.settled()

    async def settled(self) -> None:
        """Return when what is being written now has been."""
        if self._writing is not None:
            await settle(self._writing)

    @property
    def stop(self) -> int:
        """Up to where the chunk has been received."""
        return self._stop

    def _check_bounds(self) -> None:
        if self._stop > self._blob.limit:
            raise ChunkOutOfBounds(
                f"the chunk at {self._start} reaches beyond the blob's {self._blob.limit} bytes"
            )

    async def _take_over(self, taken: RangeSet) -> None:
        self.claims = RangeSet.of((r.start, r.stop) for r in (*self.claims, *taken))
        for other in [each for each in self._blob.writers if each is not self]:
            await other.lose(taken)
        await self._disk.run(self._copy, taken)

    async def _flush(self) -> None:
        """Hand the batch to a thread, once the thread is through with the one before."""
        await self._settle()
        batch, self._batch, self._filled = self._batch, [], 0
        start, self._planned = self._planned, self._stop
        self._blob.check(self._generation)
        self._check_bounds()  # the size may have been declared meanwhile
        direct, spilled = self._claim(start, self._stop)
        if direct or spilled:
            self._writing = self._disk.submit(self._write, batch, start, direct, spilled)

    async def _settle(self) -> None:
        if self._writing is None:
            return
        try:
            await self._disk.wait(self._writing)
        except StorageUnavailable:
            if self._blob.deleted:
                raise BlobNotFound(f"blob {self._blob.folder.meta.key} was deleted") from None
            raise
        finally:
            self._writing = None

    def _claim(self, start: int, stop: int) -> tuple[RangeSet, RangeSet]:
        missing = RangeSet(self._blob.received.missing(start, stop))
        free = missing
        for other in self._blob.writers:
            free = free.without(other.claims)
        spilled = missing.without(free)
        self.claims = RangeSet.of((r.start, r.stop) for r in (*self.claims, *free))
        self._spilled = RangeSet.of((r.start, r.stop) for r in (*self._spilled, *spilled))
        return free, spilled

    def _write(self, batch: list[bytes], start: int, direct: RangeSet, spilled: RangeSet) -> None:
        if len(direct) == sum(len(piece) for piece in batch):
            write_all(self._data(), *batch, offset=start)
            return
        view = memoryview(b"".join(batch))
        for part in direct:
            piece = view[part.start - start : part.stop - start]
            write_all(self._data(), piece, offset=part.start)
        for part in spilled:
            piece = view[part.start - start : part.stop - start]
            write_all(self._spill(), piece, offset=part.start)

    def _copy(self, ranges: RangeSet) -> None:
        for part in ranges:
            for at in range(part.start, part.stop, _COPY):
                piece = read_exactly(self._spill(), min(_COPY, part.stop - at), at)
                write_all(self._data(), piece, offset=at)
        self._blob.folder.sync(self._data())

    def _data(self) -> int:
        if self._data_fd is None:
            self._data_fd = self._blob.folder.open_partial(self._generation)
        return self._data_fd

    def _spill(self) -> int:
        if self._spill_fd is None:
            self._spill_fd = _nameless_file(self._scratch)
        return self._spill_fd


def _nameless_file(folder: Path) -> int:
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())
