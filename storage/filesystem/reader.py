"""Read bytes of a blob one piece ahead of the consumer, or send them with sendfile(2)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from shared.blobs.file_sending import send_some
from storage.filesystem.disk import as_storage_error, finish, read_exactly, settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from storage.filesystem.disk import Disk

PIECE = 1 << 20
"""Bytes read at a time. A reader holds at most two pieces in memory."""
MAX_SEND = 16 << 20
"""Bytes that one call sends before the thread serves other work."""


class Reader:
    """Holds a file open, which stays readable after it is renamed or deleted. A context."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._opened: list[int] = []
        self.consumed = 0
        """Bytes read or sent so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disk.close_files(self._opened)

    async def open(self, open_file: Callable[[], int]) -> None:
        """Open the file by calling `open_file` in a thread."""

        def work() -> None:
            # Appended here, not returned: a cancellation would lose the returned value.
            self._opened.append(open_file())

        await self._disk.run(work)

    async def read(self, open_file: Callable[[], int], start: int, stop: int) -> bytes:
        """Return the bytes `start..stop` of a file, which is opened and closed, in one call.

        Raises StorageUnavailable if it ends early.
        """

        def work() -> bytes:
            fd = open_file()
            try:
                return read_exactly(fd, stop - start, start)
            finally:
                os.close(fd)

        content = await self._disk.run(work)
        self.consumed += len(content)
        return content

    async def send(self, socket: int, offset: int, count: int) -> int:
        """See `shared.blobs.content.LocalFile`.

        The kernel may send the pages after this returns. Their content cannot change meanwhile,
        as no byte of a blob is written twice.
        """
        (fd,) = self._opened
        step = self._disk.submit(send_some, socket, fd, offset, min(count, MAX_SEND))
        try:
            sent = await finish(step)
        except ConnectionError:
            raise
        except OSError as error:
            raise as_storage_error(error) from error
        self.consumed += sent
        return sent

    async def read_part(self, start: int, stop: int) -> bytes:
        """See `shared.blobs.content.LocalFile`."""
        (fd,) = self._opened
        content = await self._disk.run(read_exactly, fd, stop - start, start)
        self.consumed += len(content)
        return content

    @property
    def descriptor(self) -> int:
        """The open file, for as long as the context is."""
        (fd,) = self._opened
        return fd

    def inode(self) -> int:
        """Return the number of the open file in its file system."""
        (fd,) = self._opened
        return os.fstat(fd).st_ino

    async def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes `start..stop`. Raises StorageUnavailable if the file ends early."""
        if start == stop:
            return
        (fd,) = self._opened
        at = start
        ahead = self._disk.submit(read_exactly, fd, min(PIECE, stop - at), at)
        try:
            while True:
                piece = await self._disk.wait(ahead)
                at += len(piece)
                if at < stop:
                    ahead = self._disk.submit(read_exactly, fd, min(PIECE, stop - at), at)
                self.consumed += len(piece)
                yield piece
                if at == stop:
                    return
        finally:
            await settle(ahead)
