"""The bodies of requests that carry a chunk to storage."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from shared.blobs.socket_part import bytes_of
from shared.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

    from shared.blobs.socket_part import Piece


class ChunkBody:
    """The bytes of a chunk, as the body of a request; knows which side failed.

    With `keep`, a source that fails ends the body instead of breaking it off.
    """

    def __init__(self, data: AsyncIterable[Piece], timeout: float, *, keep: bool = False) -> None:
        self.failure: Exception | None = None
        """What `data` raised."""
        self._pieces = aiter(data)
        self._timeout = timeout
        self._keep = keep
        self._deadline = asyncio.timeout(None)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Raise what the source does, or StorageUnavailable after `timeout` seconds of silence."""
        try:
            async with self._deadline:
                yield self
        except TimeoutError as error:
            if self.failure is not None:
                raise self.failure from None
            raise StorageUnavailable(
                f"storage took no byte of a chunk for {self._timeout:g} s"
            ) from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # Asked for more: storage has taken the piece before. The source may be slow, and the
        # session's `sock_read` limits the wait for the answer after the last piece.
        self._deadline.reschedule(None)
        piece = b""
        try:
            while not piece:
                piece = bytes_of(await anext(self._pieces))
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            if self._keep:
                raise StopAsyncIteration from error
            # aiohttp does not interrupt the wait for a response that has begun.
            self._deadline.reschedule(0)
            raise
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._timeout)
        return piece


class Exchange:
    """The body of a request to `write_path`: an opening, and a chunk once it is accepted."""

    def __init__(self, opening: bytes, upload: ChunkBody) -> None:
        self._opening = opening
        self._upload = upload
        self._decided = asyncio.Event()
        self._accepted = False

    def accept(self) -> None:
        """Send the chunk."""
        self._accepted = True
        self._decided.set()

    def refuse(self) -> None:
        """End the body without the chunk."""
        self._decided.set()

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield the body."""
        yield self._opening
        await self._decided.wait()
        if self._accepted:
            async for piece in self._upload:
                yield piece
