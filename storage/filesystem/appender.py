"""Appends to a blob and keeps what arrives, however that ends."""

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
"""Bytes after which what has arrived is recorded."""


class Appender:
    """Writes `data` from `offset` on, in portions each of which is recorded by itself."""

    def __init__(
        self, blob: Blob, disk: Disk, scratch: Path, data: AsyncGenerator[bytes, None]
    ) -> None:
        self._blob = blob
        self._disk = disk
        self._scratch = scratch
        self._data = data
        self.recorded = 0
        """Bytes that have arrived, and are kept."""
        self._over = False
        self._failure: BaseException | None = None

    async def append(self, offset: int) -> BlobInfo:
        """The blob once all is recorded; raises what `data` did once all before it is."""
        while True:
            async with ChunkWriter(self._blob, self._disk, offset, self._scratch) as writer:
                await writer.receive(self._portion())
                info = await writer.commit()
            self.recorded += writer.received
            offset = writer.stop
            if self._over:
                if self._failure is not None:
                    raise self._failure
                return info

    async def _portion(self) -> AsyncGenerator[bytes, None]:
        held = 0
        while held < PORTION:
            try:
                piece = await anext(self._data)
            except StopAsyncIteration:
                self._over = True
                return
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                # Raised once what came before is recorded.
                self._over, self._failure = True, error
                return
            held += len(piece)
            yield piece
