"""An upload that is still being received, as the source of an engine."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed, CsvmillError, DigestMismatch, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from processor.engines.port import Piece
    from shared.blobs.blob import BlobInfo
    from shared.ports import Blobs

OUTAGE = 30.0
"""Seconds for which storage may be unavailable."""
RETRY = 0.5
"""Seconds between two tries."""
SAMPLES = 600
SAMPLE_INTERVAL = 0.05
"""How many offsets are remembered, and how many seconds lie between them at least."""


class UploadStalled(AttemptFailed):
    """No byte of the upload has arrived for some time."""


class GrowingSource:
    """The bytes of an upload as they arrive; it ends when the upload is complete.

    See `processor.engines.port.Source`. Reading raises BlobNotFound and DigestMismatch if the
    upload is deleted, or its bytes are discarded; UploadStalled after `stall_timeout` seconds
    without a byte; and StorageUnavailable after an outage of 30 s. What was raised is kept in
    `failure`, as the engine wraps it.
    """

    place = None

    def __init__(self, blobs: Blobs, blob: BlobInfo, *, name: str, stall_timeout: float) -> None:
        self.name = name
        self.local_path: Path | None = None
        self.complete = asyncio.Event()
        """Set when all bytes were read, and storage has verified them."""
        self.failure: Exception | None = None
        self._size = blob.size
        self._taken = 0
        self._blobs = blobs
        self._blob = blob
        self._running = asyncio.Event()
        self._running.set()
        self._urgent = False
        self._stall_timeout = stall_timeout
        self._read: deque[tuple[float, int]] = deque(maxlen=SAMPLES)
        """Times (Unix seconds) and how many bytes had been taken before them."""
        self.read_at_completion = 0
        """How many bytes had been read when the upload became complete."""

    @property
    def size(self) -> int:
        """Bytes of the upload; of one whose size is not known yet, the bytes read so far."""
        return self._taken if self._size is None else self._size

    def pause(self) -> None:
        """Read no further until `resume`, unless `hurry` was called."""
        if not self._urgent:
            self._running.clear()

    def resume(self) -> None:
        """Read on."""
        self._running.set()

    def hurry(self) -> None:
        """Read on without any further pause: a job waits for it."""
        self._urgent = True
        self._running.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Piece]]:
        """Read from the start."""
        pieces = self._pieces()
        try:
            yield pieces
        finally:
            await pieces.aclose()

    async def _pieces(self) -> AsyncGenerator[Piece, None]:
        at, progressed = 0, time.monotonic()
        try:
            while not self.complete.is_set():
                try:
                    async with self._blobs.follow(
                        self._blob.key, at, version=self._blob.version
                    ) as growth:
                        pieces: AsyncIterator[Piece] = growth.parts or growth.pieces
                        async for piece in pieces:
                            await self._running.wait()
                            at += len(piece)
                            self._taken = at
                            progressed = time.monotonic()
                            yield piece
                            self._note(at)
                    await self._check(at)
                except StorageUnavailable:
                    if time.monotonic() > progressed + OUTAGE:
                        raise
                    await asyncio.sleep(RETRY)
                if time.monotonic() > progressed + self._stall_timeout:
                    raise UploadStalled(f"no byte arrived for {self._stall_timeout:g} s")
        except CsvmillError as error:
            self.failure = error
            raise

    async def _check(self, read: int) -> None:
        """Set `complete` if the upload is, and `read` bytes are all that it has."""
        blob = await self._blobs.peek(self._blob.key)
        if blob.version != self._blob.version:
            raise DigestMismatch(f"{blob.key} is another upload than before, or was discarded")
        if blob.complete and blob.size == read:
            self._size = blob.size
            completed_at = time.time() if blob.completed_at is None else blob.completed_at
            before = [size for at, size in self._read if at <= completed_at]
            self.read_at_completion = before[-1] if before else 0
            self.complete.set()

    def _note(self, read: int) -> None:
        now = time.time()
        if len(self._read) > 1 and now < self._read[-2][0] + SAMPLE_INTERVAL:
            self._read.pop()
        self._read.append((now, read))
