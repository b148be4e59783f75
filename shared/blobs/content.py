"""Bytes that are open to be read: what a source of a download gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable


class LocalFile(Protocol):
    """An open file of this machine, which the kernel can send without our seeing its bytes."""

    async def send(self, socket: int, offset: int, count: int) -> int:
        """Send what is at `offset` (bytes) to a socket, given by a descriptor that does not block.

        Returns how many bytes it took: `count` at the most, and none if it has no room; only a
        moment is waited for that. Raises ConnectionError if the other end has gone,
        StorageUnavailable if the file cannot be read, or ends before.
        """
        ...


@dataclass(frozen=True, slots=True)
class Content(AsyncIterator[bytes]):
    """The bytes of a range, one piece after the other."""

    pieces: AsyncIterator[bytes]
    file: LocalFile | None = None
    """Where the same bytes are, at the same positions, if that is a file of this machine: to be
    sent from there instead of being taken in pieces."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces

    def __anext__(self) -> Awaitable[bytes]:
        return anext(self.pieces)


async def in_pieces(content: Content, _start: int, _stop: int) -> AsyncGenerator[bytes, None]:
    """The content, read."""
    async for piece in content:
        yield piece


async def once(data: bytes) -> AsyncGenerator[bytes, None]:
    """What is in memory, as one piece; none if there is nothing."""
    if data:
        yield data
