"""A temporary file for bytes whose offset in the upload is not known yet."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from shared.errors import StorageFull
from shared.runtime.files import write_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from io import FileIO
    from pathlib import Path
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

PIECE = 1 << 20
"""Bytes read at a time."""
BATCH = 128 << 10
"""Bytes that are gathered before they are written, for as long as a slow client takes: half of what
a fast one's form brings at a time."""


class Spool:
    """An unlinked temporary file, which disappears with the process, even if it crashes."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.size = 0
        """Bytes written."""

    async def append(self, pieces: AsyncIterator[bytes]) -> None:
        """Append all of `pieces`. Raises StorageFull, and what `pieces` raises."""
        batch: list[bytes] = []
        size = 0
        async for piece in pieces:
            batch.append(piece)
            size += len(piece)
            if size >= BATCH:
                await self._write(batch)
                batch, size = [], 0
        await self._write(batch)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield everything written so far, from the start."""
        await _in_thread(self._file.seek, 0)
        while piece := await _in_thread(self._file.read, PIECE):
            yield piece

    async def _write(self, pieces: list[bytes]) -> None:
        try:
            await _in_thread(write_all, self._file.fileno(), *pieces)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(
                    "the gateway has no disk space left to buffer the chunk"
                ) from error
            raise
        self.size += sum(map(len, pieces))


@asynccontextmanager
async def open_spool(directory: Path | None) -> AsyncIterator[Spool]:
    """Open a spool in `directory` (None: the system's temporary folder); leaving removes it."""
    # Unbuffered: the pieces are large, and closing the file cannot fail on unwritten bytes.
    with await _in_thread(tempfile.TemporaryFile, buffering=0, dir=directory) as file:
        yield Spool(cast("FileIO", file))


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # A thread cannot be cancelled. Wait for it, so that the file is not closed while it works.
    work = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
