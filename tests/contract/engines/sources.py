"""Sources for the engine contract: a local file, a stream, and faulty streams."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


class LocalSource:
    """A file that the engine may read itself. Its stream must not be opened."""

    place = None

    def __init__(self, path: Path) -> None:
        self.local_path = path
        self.name = path.name
        self.size = path.stat().st_size

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise AssertionError("a local file is read without copying it")


class StreamSource:
    """Bytes that arrive in pieces, like those from storage over HTTP. Can be read repeatedly."""

    local_path = None
    place = None

    def __init__(
        self,
        data: bytes,
        *,
        piece: int = 1 << 16,
        size: int | None = None,
        name: str = "stream.csv",
    ) -> None:
        self.name = name
        self._data = data
        self._piece = piece
        self.size = len(data) if size is None else size
        self.opened = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        self.opened += 1
        yield self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), self._piece):
            yield self._data[at : at + self._piece]
        await self._end()

    async def _end(self) -> None:
        """Called at the end of the data."""


class FailingSource(StreamSource):
    """Raises an error after its data."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data, size=len(data) + 1000)
        self._error = error

    async def _end(self) -> None:
        raise self._error


class StalledSource(StreamSource):
    """Yields its data and then hangs."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, size=len(data) + 1000)

    async def _end(self) -> None:
        await asyncio.Event().wait()
