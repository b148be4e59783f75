"""A place on disk for bytes whose destination is not known yet."""

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
"""Bytes that go to or come from disk at a time."""


class Spool:
    """An unlinked temporary file: gone with the process, however that ends."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.size = 0
        """Bytes written."""

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Append all of `pieces`. Raises StorageFull, and whatever `pieces` raises."""
        waiting: list[bytes] = []
        held = 0
        async for piece in pieces:
            waiting.append(piece)
            held += len(piece)
            if held >= PIECE:
                await self._append(waiting)
                waiting, held = [], 0
        await self._append(waiting)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Everything that was written, from the beginning."""
        await _in_thread(self._file.seek, 0)
        while piece := await _in_thread(self._file.read, PIECE):
            yield piece

    async def _append(self, pieces: list[bytes]) -> None:
        try:
            await _in_thread(write_all, self._file.fileno(), *pieces)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("the gateway has no room to spool the chunk") from error
            raise
        self.size += sum(map(len, pieces))


@asynccontextmanager
async def open_spool(directory: Path | None) -> AsyncIterator[Spool]:
    """A spool in `directory` (None: the system's temporary folder), removed on leaving."""
    # Unbuffered: pieces are large already, and closing has nothing left to write, and to fail at.
    with await _in_thread(tempfile.TemporaryFile, buffering=0, dir=directory) as file:
        yield Spool(cast("FileIO", file))


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # A thread cannot be cancelled: wait for it, so that the file is never closed under its hands.
    work = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
