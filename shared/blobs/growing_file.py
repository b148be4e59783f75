"""The file of a blob that storage is still receiving, opened by another process of the machine."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from shared.blobs.content import FilePart
from shared.blobs.file_sending import send_some
from shared.blobs.layout import blob_folder
from shared.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from shared.blobs.blob import BlobKey

P = ParamSpec("P")
T = TypeVar("T")

PART = 4 << 20
"""Bytes of the largest part that is given to a follower at a time."""


class GrowingFile:
    """Implements `shared.blobs.content.LocalFile` on a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def send(self, socket: int, offset: int, count: int) -> int:
        """See `LocalFile`."""
        return await _in_thread(send_some, socket, self._fd, offset, count)

    async def read_part(self, start: int, stop: int) -> bytes:
        """See `LocalFile`."""
        content = await _in_thread(os.pread, self._fd, stop - start, start)
        if len(content) < stop - start:
            raise StorageUnavailable(f"a data file ends at {start + len(content)}")
        return content


async def parts_of(
    file: GrowingFile, start: int, lines: AsyncGenerator[bytes, None]
) -> AsyncGenerator[FilePart, None]:
    """Yield the parts of a file from `start` on up to the offset that each line names."""
    at = start
    async with aclosing(lines):
        async for line in lines:
            if not line.isdigit():
                raise StorageUnavailable(f"storage sent {line[:80]!r} and no offset")
            stop = int(line)
            while at < stop:
                part = FilePart(file, at, min(at + PART, stop))
                yield part
                at = part.stop


async def content_of(parts: AsyncGenerator[FilePart, None]) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of parts, and close them."""
    async with aclosing(parts):
        async for part in parts:
            yield await part.read()


@contextmanager
def opened_file(root: Path, key: BlobKey, inode: int) -> Iterator[GrowingFile | None]:
    """Open the data file of a blob below `root` that has this inode. Yields None if none has."""
    fd = _open(blob_folder(root, key), inode)
    try:
        yield None if fd is None else GrowingFile(fd)
    finally:
        if fd is not None:
            os.close(fd)


def _open(folder: Path, inode: int) -> int | None:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.inode() == inode]
        for name in names:
            fd = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
            if os.fstat(fd).st_ino == inode:
                return fd
            os.close(fd)
    except OSError:
        pass  # not mounted here, not readable, or renamed meanwhile: its bytes are requested
    return None


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread; a cancellation is raised when the thread does not use the file."""
    step = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not step.done():
        try:
            await asyncio.wait([step])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        step.exception()  # mark as retrieved
        raise cancelled
    try:
        return step.result()
    except ConnectionError:
        raise
    except OSError as error:
        raise StorageUnavailable(f"the file of a blob cannot be read: {error}") from error
