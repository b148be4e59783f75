"""Gather the bytes of a small blob before anything is written, if they arrive promptly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from shared.blobs.content import WholeBytes
from shared.blobs.socket_part import bytes_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

    from shared.blobs.socket_part import Piece

GATHERED = 256 << 10
"""Bytes of the largest blob that is gathered."""
PROMPT = 0.1
"""Seconds in which all bytes have to arrive. Longer, and others should see the blob meanwhile."""


class Gathering:
    """Gathers `size` bytes of `data` in memory. A context, which ends the reading of `data`."""

    def __init__(self, data: AsyncIterable[Piece], size: int) -> None:
        self._data = data
        self._rest = aiter(data)
        self._size = size
        self._taken: list[bytes] = []
        self._next: asyncio.Task[bytes | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    @property
    def in_memory(self) -> bool:
        """Whether all bytes are in memory already."""
        return isinstance(self._data, WholeBytes)

    async def whole(self) -> bytes | None:
        """Return all bytes; None if they are not exactly `size`, or not here in time."""
        if isinstance(self._data, WholeBytes):
            content = self._data.content
            return content if len(content) == self._size else None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PROMPT
        missing = self._size
        while missing >= 0:
            self._next = asyncio.ensure_future(self._one())
            await asyncio.wait([self._next], timeout=deadline - loop.time())
            if not self._next.done() or self._next.exception() is not None:
                return None  # `pieces` waits, or raises it
            piece, self._next = self._next.result(), None
            if piece is None:
                return None if missing else b"".join(self._taken)
            self._taken.append(piece)
            missing -= len(piece)
        return None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield what was gathered, and then the rest of the data as it arrives."""
        for piece in self._taken:
            yield piece
        while True:
            piece_or_end = await (self._one() if self._next is None else self._next)
            self._next = None
            if piece_or_end is None:
                return
            yield piece_or_end

    async def _one(self) -> bytes | None:
        piece = await anext(self._rest, None)
        return None if piece is None else bytes_of(piece)
