"""Append to a blob and keep what arrives, however the request ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from storage.filesystem.chunk_writer import ChunkWriter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from storage.filesystem.blob import Blob
    from storage.filesystem.disk import Disk

PORTION = 16 << 20
"""Bytes that are recorded at once: a crash loses at most this much of an append."""


class Appender:
    """Writes `data` in portions, each of which is recorded by itself."""

    def __init__(
        self, blob: Blob, disk: Disk, scratch: Path, data: AsyncGenerator[bytes, None]
    ) -> None:
        self._blob = blob
        self._disk = disk
        self._scratch = scratch
        self._data = data
        self.recorded = 0
        """Bytes recorded so far."""
        self._ended = False
        self._failure: BaseException | None = None

    async def append(self, offset: int) -> BlobInfo:
        """Write all of `data` from `offset` (bytes) on, and return the blob.

        An error of `data` is raised after the bytes before it are recorded.
        """
        while True:
            async with ChunkWriter(self._blob, self._disk, offset, self._scratch) as writer:
                await writer.receive(self._portion())
                info = await writer.commit()
            self.recorded += writer.received
            offset = writer.stop
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                return info

    async def _portion(self) -> AsyncGenerator[bytes, None]:
        size = 0
        while size < PORTION:
            try:
                piece = await anext(self._data)
            except StopAsyncIteration:
                self._ended = True
                return
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                # Raised by `append`, after this portion is recorded.
                self._ended, self._failure = True, error
                return
            size += len(piece)
            yield piece
