"""Receive one chunk and write it into its blob.

Chunks of a blob arrive concurrently, and two may carry the same bytes: a client that lost its
connection sends again while the first request is still open. So each writer claims the ranges that
it writes into the data file, and no other writer writes there. Ranges claimed by another writer
go to a nameless spill file. If they are still missing from the blob when the whole chunk has
arrived, the writer takes the claim over and copies them. So no writer waits for another, an
incomplete chunk does not damage a complete one, and a recorded range holds the bytes of one
complete chunk. Normally no claim is contested and nothing is copied.

Every byte of a chunk that is recorded is the stored one: bytes that were received before are
compared as they arrive, spilled ones when the chunk is recorded, and those of a claim that another
writer takes over before they are overwritten. A chunk with other bytes is refused. The comparison
reads the stored bytes once.

Order on disk: write the data, fdatasync, then the journal record and its fdatasync (or, for the
last chunk, the rename that completes the blob and the fsync of its folder), then acknowledge. So
whatever the journal or the final name claims is durable.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.blobs.byte_ranges import RangeSet
from shared.blobs.socket_part import SocketPart, bytes_of
from shared.errors import BlobNotFound, BytesDiffer, ChunkOutOfBounds, StorageUnavailable
from shared.runtime.files import write_all
from storage.filesystem.comparison import Comparison, bytes_differ, first_difference
from storage.filesystem.disk import read_exactly, settle

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blob import Blob, Writer
    from storage.filesystem.disk import Disk

BATCH = 1 << 20
"""Bytes collected before they are written. A chunk holds at most two batches in memory: one is
written while the next fills. Each may exceed this by less than one piece of `data`."""

MOST_RANGES = 2000
"""Ranges of a blob that are received, with gaps between them: each chunk, and each question for
the state of the blob, takes time for each of them."""

_PIECES = 256
"""Pieces in a batch, far below IOV_MAX, the limit of one system call."""
_COPY = 1 << 20


class ChunkWriter:
    """Writes one chunk at `offset` (bytes). A context: leaving discards what is not committed."""

    def __init__(self, blob: Blob, disk: Disk, offset: int, scratch: Path) -> None:
        if not 0 <= offset <= blob.limit:
            raise ChunkOutOfBounds(f"offset {offset} is outside of the blob's {blob.limit} bytes")
        if (
            len(blob.received.ranges) >= MOST_RANGES
            and offset > 0
            and not blob.received.touches(offset)
        ):
            raise ChunkOutOfBounds(
                f"the bytes received so far have {MOST_RANGES} gaps or more between them; fill "
                f"gaps first, from offset {blob.received.prefix} on"
            )
        self.claims = RangeSet()
        """Ranges written, or being written, into the data file and not recorded yet."""
        self._given_up = RangeSet()
        self._spilled = RangeSet()
        self._stored = Comparison(blob.folder, blob.generation)
        self._differs_at: int | None = None
        """Where another writer has taken over a claim, and written other bytes."""
        self._blob = blob
        self._disk = disk
        self._generation = blob.generation
        self._scratch = scratch
        self._start = self._stop = self._planned = offset
        self._batch: list[bytes] = []
        self._batch_size = 0
        self._writing: asyncio.Future[None] | None = None
        self._moving: _Moving | None = None
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
            fds += self._stored.fds
            await self._disk.close_files(fds)

    @property
    def received(self) -> int:
        """Bytes of the chunk received so far."""
        return self._stop - self._start

    @property
    def stop(self) -> int:
        """The offset after the last byte received."""
        return self._stop

    async def receive(self, data: AsyncIterable[Piece]) -> None:
        """Write `data`, and compare what was received before.

        Raises BytesDiffer, and ChunkOutOfBounds before a byte beyond the blob's end is written.
        """
        async for piece in data:
            if isinstance(piece, SocketPart) and await self._moved(piece):
                continue
            await self._receive(bytes_of(piece))
        await self._flush()
        await self._finish_write()

    async def commit(self) -> BlobInfo:
        """Make the received chunk durable, record it, and return the blob.

        Raises BytesDiffer, if other bytes were received in the meantime; DigestMismatch if it
        completed the blob and the digest differs; StorageUnavailable if another request has
        overwritten some of its bytes and failed to record them. An empty chunk changes nothing
        and does not wait for the lock, which a verification may hold.
        """
        if not self.received:
            self._blob.check(self._generation)
            self._check_bounds()
            return self._blob.info()
        if self._data_fd is not None:
            await self._disk.run(self._blob.folder.sync, self._data_fd)
        async with self._blob.lock:
            self._blob.check(self._generation)
            self._check_bounds()
            if self._given_up.without(self._blob.received):
                raise StorageUnavailable(
                    f"another request sent the same bytes of {self._blob.folder.meta.key} and "
                    "failed to record them; send the chunk again"
                )
            if self._differs_at is not None:
                raise bytes_differ(self._differs_at)
            if known := self._spilled.within(self._blob.received):
                await self._disk.run(self._stored.check_file, self._spill(), known)
            if missing := self._spilled.without(self._blob.received):
                await self._copy_spilled(missing)
            # If the data file is not open, every byte was received before.
            if self._data_fd is not None:
                await self._blob.record(self._start, self._stop, self._data_fd)
            return self._blob.info()

    async def give_up(self, ranges: RangeSet) -> RangeSet:
        """Give up the claim to `ranges`, and return those that were claimed.

        On return, they are written, unless writing failed, and nothing more is written there.
        """
        lost, moving = self.claims.within(ranges), self._moving
        if lost:
            self.claims = self.claims.without(lost)
            self._given_up = RangeSet.of((r.start, r.stop) for r in (*self._given_up, *lost))
            await self.wait_for_write()
        return lost if moving is None else lost.without(moving.unmoved())

    def overwritten(self, at: int) -> None:
        """Refuse the chunk: another writer writes another byte at `at`, and is recorded first."""
        self._differs_at = at

    async def wait_for_write(self) -> None:
        """Return when the write in progress, if any, has ended."""
        if self._writing is not None:
            await settle(self._writing)

    def _check_bounds(self) -> None:
        if self._stop > self._blob.limit:
            raise ChunkOutOfBounds(
                f"the chunk at {self._start} reaches beyond the blob's {self._blob.limit} bytes"
            )

    async def _receive(self, piece: bytes) -> None:
        if not piece:
            return
        self._stop += len(piece)
        self._check_bounds()
        self._batch.append(piece)
        self._batch_size += len(piece)
        if self._batch_size >= BATCH or len(self._batch) >= _PIECES:
            await self._flush()

    async def _moved(self, part: SocketPart) -> bool:
        """Let a thread move a part of a socket into the data file.

        Returns False if its bytes have to be read instead: all threads for this are busy, or some
        of the bytes are not missing, or another writer writes them.
        """
        await self._flush()
        await self._finish_write()
        start = self._stop
        self._blob.check(self._generation)
        # The part may have fewer bytes than it may have at most. One that is too many is read.
        part.narrow(max(1, self._blob.limit - start))
        end = start + part.most
        if end > self._blob.limit or not self._is_free(start, end):
            return False
        writing = self._disk.submit_if_idle(self._move, part, start)
        if writing is None:
            return False
        self._writing, self._moving = writing, _Moving(part, start, end)
        self.claims = self.claims.add(start, end)
        try:
            await self._finish_write()
        finally:
            self._stop = self._planned = start + part.taken
            unmoved = self._moving.unmoved()
            self.claims = self.claims.without(unmoved)
            self._given_up = self._given_up.without(unmoved)
            self._moving = None
        return True

    def _is_free(self, start: int, stop: int) -> bool:
        """Whether all of these bytes are missing, and no other writer writes any of them."""
        wanted = RangeSet.of([(start, stop)])
        taken = (self._blob.received, *(other.claims for other in self._blob.writers))
        return all(wanted.without(each) == wanted for each in taken)

    async def _copy_spilled(self, ranges: RangeSet) -> None:
        """Take over the claim to `ranges` and copy them from the spill file to the data file."""
        self.claims = RangeSet.of((r.start, r.stop) for r in (*self.claims, *ranges))
        others = [each for each in self._blob.writers if each is not self]
        lost = [(other, await other.give_up(ranges)) for other in others]
        await self._disk.run(self._copy, ranges, lost)

    async def _flush(self) -> None:
        """Start to write the batch in a thread, after the write before it has ended."""
        await self._finish_write()
        batch, self._batch, self._batch_size = self._batch, [], 0
        start, self._planned = self._planned, self._stop
        self._blob.check(self._generation)
        self._check_bounds()  # the size may have been declared meanwhile
        missing = RangeSet(self._blob.received.missing(start, self._stop))
        known = RangeSet.of([(start, self._stop)]).without(missing)
        direct, spilled = self._claim(missing)
        if direct or spilled or known:
            self._writing = self._disk.submit(self._write, batch, start, direct, spilled, known)

    async def _finish_write(self) -> None:
        if self._writing is None:
            return
        try:
            await self._disk.wait(self._writing)
        except StorageUnavailable:
            if self._blob.deleted:
                raise BlobNotFound(f"blob {self._blob.folder.meta.key} was deleted") from None
            raise
        except BytesDiffer:
            self._blob.check(self._generation)  # the bytes may have been discarded meanwhile
            raise
        finally:
            self._writing = None

    def _claim(self, missing: RangeSet) -> tuple[RangeSet, RangeSet]:
        """Claim ranges that are not received; return what to write directly and to spill."""
        free = missing
        for other in self._blob.writers:
            free = free.without(other.claims)
        spilled = missing.without(free)
        self.claims = RangeSet.of((r.start, r.stop) for r in (*self.claims, *free))
        self._spilled = RangeSet.of((r.start, r.stop) for r in (*self._spilled, *spilled))
        return free, spilled

    def _write(
        self,
        batch: list[bytes],
        start: int,
        direct: RangeSet,
        spilled: RangeSet,
        known: RangeSet,
    ) -> None:
        if len(direct) == sum(len(piece) for piece in batch):
            write_all(self._data(), *batch, offset=start)
            self._blob.folder.begin_sync(self._data(), start, len(direct))
            return
        chunk = b"".join(batch)
        self._stored.check(chunk, start, known)
        view = memoryview(chunk)
        for part in direct:
            piece = view[part.start - start : part.stop - start]
            write_all(self._data(), piece, offset=part.start)
        for part in spilled:
            piece = view[part.start - start : part.stop - start]
            write_all(self._spill(), piece, offset=part.start)

    def _move(self, part: SocketPart, start: int) -> None:
        data = self._data()
        begun = start

        def write(buffer: memoryview, at: int) -> None:
            nonlocal begun
            end = start + at + len(buffer)
            write_all(data, buffer, offset=start + at)
            if end - begun >= BATCH:
                self._blob.folder.begin_sync(data, begun, end - begun)
                begun = end

        part.move(write)

    def _copy(self, ranges: RangeSet, lost: Sequence[tuple[Writer, RangeSet]]) -> None:
        for part in ranges:
            for at in range(part.start, part.stop, _COPY):
                piece = read_exactly(self._spill(), min(_COPY, part.stop - at), at)
                self._compare_claims(piece, at, lost)
                write_all(self._data(), piece, offset=at)
        self._blob.folder.sync(self._data())

    def _compare_claims(
        self, piece: bytes, at: int, lost: Sequence[tuple[Writer, RangeSet]]
    ) -> None:
        """Tell the writers whose claims are taken over where other bytes replace theirs."""
        here = RangeSet.of([(at, at + len(piece))])
        for writer, ranges in lost:
            for part in ranges.within(here):
                own = piece[part.start - at : part.stop - at]
                # The file ends early if writing has failed, and then that is what is raised.
                theirs = os.pread(self._data(), len(own), part.start)
                if theirs != own:
                    writer.overwritten(part.start + first_difference(own, theirs))

    def _data(self) -> int:
        if self._data_fd is None:
            self._data_fd = self._blob.folder.open_partial(self._generation)
        return self._data_fd

    def _spill(self) -> int:
        if self._spill_fd is None:
            self._spill_fd = _nameless_file(self._scratch)
        return self._spill_fd


@dataclass(frozen=True, slots=True)
class _Moving:
    """A part of a socket that is being moved into the bytes `start..stop`."""

    part: SocketPart
    start: int
    stop: int

    def unmoved(self) -> RangeSet:
        """Return the bytes that were claimed and have not arrived. Call it after the move."""
        return RangeSet.of([(self.start + self.part.taken, self.stop)])


def _nameless_file(folder: Path) -> int:
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())
