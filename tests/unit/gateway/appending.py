"""Blobs that count the bytes of appends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shared.blobs.socket_part import size_of
from tests.forwarding import Forwarding

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from shared.blobs.blob import BlobKey
    from shared.blobs.socket_part import Piece
    from storage.filesystem.blobs import FilesystemBlobs


class AppendingBlobs(Forwarding):
    """Counts the bytes of appends and records how each ended."""

    def __init__(self) -> None:
        super().__init__(None)
        self._progress = asyncio.Condition()
        self.passed = 0
        self.outcomes: list[BaseException | None] = []
        """What each append raised, in the order in which they started."""
        self._ended = 0

    def in_front_of(self, blobs: FilesystemBlobs) -> Any:
        """Forward every call to `blobs`, and return this recorder in their place."""
        self._behind = blobs
        return self

    async def append(
        self, key: BlobKey, offset: int, data: AsyncIterable[Piece], **more: Any
    ) -> Any:
        async def counted() -> AsyncIterator[Piece]:
            async for piece in data:
                yield piece
                # The next piece is requested, so this one was taken
                await self._note(size_of(piece))

        number = len(self.outcomes)
        self.outcomes.append(None)
        try:
            return await self._behind.append(key, offset, counted(), **more)
        except BaseException as error:
            self.outcomes[number] = error
            raise
        finally:
            self._ended += 1
            await self._note(0)

    async def taken(self, count: int) -> None:
        """Wait until `count` bytes have been taken in total."""
        async with asyncio.timeout(10), self._progress:
            await self._progress.wait_for(lambda: self.passed >= count)

    async def ended(self, count: int) -> None:
        """Wait until `count` appends have ended."""
        async with asyncio.timeout(10), self._progress:
            await self._progress.wait_for(lambda: self._ended >= count)

    async def _note(self, count: int) -> None:
        async with self._progress:
            self.passed += count
            self._progress.notify_all()
