"""Reads bytes of a blob, one piece ahead of whoever takes them, or has the kernel send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from storage.filesystem.disk import finish, read_exactly, send_some, settle, translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from storage.filesystem.disk import Disk

PIECE = 1 << 20
"""Bytes read at once; a reader holds two pieces at most."""
SENT_AT_ONCE = 16 << 20
"""Bytes, at most, that a thread sends before others have their turn."""


class Reader:
    """Holds a file open, which stays readable whatever becomes of its name. A context."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._opened: list[int] = []
        self.given = 0
        """Bytes that were taken, either way."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disk.close_files(self._opened)

    async def open(self, open_file: Callable[[], int]) -> None:
        """Open a file in a thread."""

        def work() -> None:
            # Kept here and not returned: a cancellation would drop what is returned.
            self._opened.append(open_file())

        await self._disk.run(work)

    async def send(self, socket: int, offset: int, count: int) -> int:
        """See `shared.blobs.content.LocalFile`.

        The kernel may send its pages long after this: they stay right, as no byte of a blob is
        ever written twice.
        """
        (fd,) = self._opened
        step = self._disk.submit(send_some, socket, fd, offset, min(count, SENT_AT_ONCE))
        try:
            sent = await finish(step)
        except ConnectionError:
            raise
        except OSError as error:
            raise translated(error) from error
        self.given += sent
        return sent

    async def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes `start..stop` of the file. Raises StorageUnavailable if it is shorter."""
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
                self.given += len(piece)
                yield piece
                if at == stop:
                    return
        finally:
            await settle(ahead)
