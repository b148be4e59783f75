"""Append to a blob and keep what arrives, however the request ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from shared.blobs.socket_part import SocketPart, size_of
from shared.errors import CsvmillError
from storage.filesystem.chunk_writer import ChunkWriter
from storage.filesystem.disk import finish, settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blob import Blob
    from storage.filesystem.disk import Disk

PORTION = 8 << 20
"""Bytes that are recorded at once. While a portion is recorded, the next one is received: a crash
loses at most two portions of an append."""
INTERVAL = 2.0
"""Seconds after which a portion ends with fewer bytes, so that a crash does not discard minutes of
what a slow client sent."""


class Appender:
    """Writes `data` in portions, each of which is recorded by itself, in order."""

    def __init__(
        self,
        blob: Blob,
        disk: Disk,
        scratch: Path,
        data: AsyncGenerator[Piece, None],
        *,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is called before each portion, and raises if it is not to be received."""
        self._check = check
        self._blob = blob
        self._disk = disk
        self._scratch = scratch
        self._data = data
        self.recorded = 0
        """Bytes recorded so far."""
        self._received = 0
        self._ended = False
        self._failure: BaseException | None = None
        self._recording: asyncio.Task[None] | None = None
        """Records the portion before the one that is received."""

    async def append(self, offset: int) -> BlobInfo:
        """Write all of `data` from `offset` (bytes) on, and return the blob.

        An error of `data` is raised after the bytes before it are recorded.
        """
        try:
            while not self._ended:
                async with AsyncExitStack() as stack:
                    writer = await stack.enter_async_context(
                        ChunkWriter(self._blob, self._disk, offset, self._scratch)
                    )
                    await writer.receive(self._portion())
                    await self._wait_until_recorded()
                    record = self._record(writer, stack.pop_all())
                    self._recording = asyncio.create_task(record)
                offset = writer.stop
            await self._wait_until_recorded()
        finally:
            if self._recording is not None:
                await settle(self._recording)
        if self._failure is not None:
            raise self._failure
        return self._blob.info()

    async def _record(self, writer: ChunkWriter, stack: AsyncExitStack) -> None:
        async with stack:
            await writer.commit()
            self.recorded += writer.received

    async def _wait_until_recorded(self) -> None:
        """Wait for the portion before. A cancellation ends the data, and is raised at the end."""
        if self._recording is None:
            return
        try:
            await finish(self._recording)
        except asyncio.CancelledError as error:
            self._ended, self._failure = True, error
            self._recording.result()  # it may have failed itself

    async def _portion(self) -> AsyncGenerator[Piece, None]:
        end = (self._received // PORTION + 1) * PORTION
        clock = asyncio.get_running_loop().time
        latest = clock() + INTERVAL
        try:
            self._check()
        except CsvmillError as error:
            self._ended, self._failure = True, error
            return
        while self._received < end:
            try:
                piece = await anext(self._data)
            except StopAsyncIteration:
                self._ended = True
                return
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                # Raised by `append`, after this portion is recorded.
                self._ended, self._failure = True, error
                return
            if self._recording is not None and self._recording.done():
                self._recording.result()  # no more bytes are received after a failure
            if isinstance(piece, SocketPart):
                piece.narrow(end - self._received)
            yield piece
            self._received += size_of(piece)
            if clock() >= latest:
                return
