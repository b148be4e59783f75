"""The bytes of an interval of a blob, opened for reading."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable


class LocalFile(Protocol):
    """An open file of this process, which the kernel can send to a socket or pipe (sendfile)."""

    async def send(self, socket: int, offset: int, count: int) -> int:
        """Send up to `count` bytes of the file at `offset` (bytes) to a non-blocking socket.

        `socket` is a descriptor, also of a pipe. Returns the number of bytes sent: 0 if the socket
        stays full for a few milliseconds. Raises ConnectionError if the peer has disconnected,
        StorageUnavailable if the file cannot be read or ends early.
        """
        ...

    async def read_part(self, start: int, stop: int) -> bytes:
        """Return the bytes `start..stop` of the file. Raises StorageUnavailable as `send`."""
        ...


@dataclass(frozen=True, slots=True)
class FilePart:
    """The bytes `start..stop` of an open file."""

    file: LocalFile
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    async def read(self) -> bytes:
        """Return the bytes. Raises StorageUnavailable."""
        return await self.file.read_part(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Content(AsyncIterator[bytes]):
    """The bytes `start..stop` of a blob: iterate over `pieces`, or send them from `file`."""

    pieces: AsyncIterator[bytes]
    start: int
    stop: int
    file: LocalFile | None = None
    """The file that holds the same bytes at the same offsets, if this process has it open."""

    @property
    def size(self) -> int:
        """Bytes in the interval."""
        return self.stop - self.start

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces

    def __anext__(self) -> Awaitable[bytes]:
        return anext(self.pieces)


FOLLOW_WAIT = 5.0
"""Seconds without a new byte after which following a blob ends, to be continued by the caller."""


@dataclass(frozen=True, slots=True)
class Growth(AsyncIterator[bytes]):
    """The bytes of a blob from `start` on, as they are received (see `Blobs.follow`).

    Iterate over `pieces`, or over `parts` instead.
    """

    pieces: AsyncIterator[bytes]
    start: int
    version: str
    """The version of the blob that the bytes belong to."""
    parts: AsyncIterator[FilePart] | None = None
    """The same bytes as parts of a file, if this process has it open."""
    inode: int | None = None
    """The number of this file in its file system."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces

    def __anext__(self) -> Awaitable[bytes]:
        return anext(self.pieces)


WHOLE = 4 << 20
"""Bytes of the largest blob whose bytes are passed on as a whole, if they are in memory anyway."""


@dataclass(frozen=True, slots=True)
class WholeBytes(AsyncIterable[bytes]):
    """Bytes that are all in memory, as the data of a chunk."""

    content: bytes

    def __aiter__(self) -> AsyncIterator[bytes]:
        return single_piece(self.content)


async def single_piece(data: bytes) -> AsyncGenerator[bytes, None]:
    """Yield `data` as one piece; nothing if it is empty."""
    if data:
        yield data
