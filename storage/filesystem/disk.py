"""Work on files, done in threads so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from shared.errors import CsvmillError, StorageFull, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

P = ParamSpec("P")
T = TypeVar("T")

ROOM_WAIT = 0.005
"""Seconds, at most, that a thread waits for a socket to take more: a client on a fast line is
through with what it has by then, and one on a slower line is to take no thread."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_COPIED_AT_ONCE = 256 << 10
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_PEER_GONE = {
    errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN,
}  # fmt: skip


class Disk:
    """Threads for file work. Errors of the operating system come out as errors of the tree:
    StorageFull where there is no room left, else StorageUnavailable.

    A thread cannot be interrupted. Whoever is cancelled while waiting for one gets its
    CancelledError only after the thread has finished, so that file descriptors and claims are
    never given up under a thread that still uses them.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Start `work` in a thread; the future has to be given to `wait` or `settle`."""
        # Whose ids stand in a line that the thread logs.
        context = copy_context()
        return asyncio.wrap_future(
            self._threads.submit(context.run, partial(work, *args, **kwargs))
        )

    async def wait(self, future: asyncio.Future[T]) -> T:
        """The outcome of submitted work."""
        try:
            return await finish(future)
        except OSError as error:
            raise translated(error) from error

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in a thread."""
        return await self.wait(self.submit(work, *args, **kwargs))

    async def close_files(self, fds: list[int]) -> None:
        """Close descriptors, and take them out of `fds`.

        In a thread: with the last one of a file that was deleted, its bytes are given back, which
        takes its time if they are many.
        """
        if fds:
            await self.run(_close_all, fds)

    async def close(self) -> None:
        """Wait for the work in progress and end the threads."""
        await asyncio.to_thread(self._threads.shutdown)


async def finish(future: asyncio.Future[T]) -> T:
    """The future's outcome; a cancellation meanwhile is raised once the future is done."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # marks it as seen: the cancellation takes precedence
        raise cancelled
    return future.result()


async def settle(future: asyncio.Future[T]) -> None:
    """Wait until the work is over, whatever its outcome, which matters to nobody any more."""
    with suppress(OSError, CsvmillError):
        await finish(future)


async def uninterrupted(step: Coroutine[object, object, T]) -> T:
    """Carry `step` to its end even if the caller is cancelled: memory follows the disk."""
    return await finish(asyncio.ensure_future(step))


def translated(error: OSError) -> CsvmillError:
    """The error of the tree that an error of the operating system amounts to."""
    if error.errno in _FULL:
        return StorageFull(f"no room left for blobs: {error.strerror}")
    return StorageUnavailable(f"the file system of blobs failed: {error}")


def _close_all(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def read_exactly(fd: int, count: int, offset: int) -> bytes:
    """The `count` bytes at `offset`. Raises StorageUnavailable if the file ends before."""
    first = os.pread(fd, count, offset)
    if len(first) == count:
        return first
    pieces = [first]
    got = len(first)
    while got < count:
        piece = os.pread(fd, count - got, offset + got)
        if not piece:
            raise _too_short(offset + got)
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces)


def send_some(socket: int, fd: int, offset: int, count: int) -> int:
    """Send up to `count` (1 or more) bytes at `offset` to a socket that does not block.

    Returns how many it took; none if it has no room, and makes none within `ROOM_WAIT`. Raises
    ConnectionError if its other end has gone, StorageUnavailable if the file ends before.
    """
    room = select.poll()
    room.register(socket, select.POLLOUT)
    deadline = time.monotonic() + ROOM_WAIT
    sent = 0
    while sent < count:
        try:
            sent += _send_once(socket, fd, offset + sent, count - sent)
        except (OSError, StorageUnavailable):
            if sent:
                return sent  # Whoever asks for more gets the error.
            raise
        left = deadline - time.monotonic()
        if left <= 0 or not room.poll(left * 1000):
            break
    return sent


def _send_once(socket: int, fd: int, offset: int, count: int) -> int:
    try:
        sent = _sendfile(socket, fd, offset, count)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno in _PEER_GONE:
            raise ConnectionResetError(error.errno, error.strerror) from error
        raise
    if not sent:
        raise _too_short(offset)
    return sent


def _sendfile(socket: int, fd: int, offset: int, count: int) -> int:
    try:
        return os.sendfile(socket, fd, offset, count)
    except OSError as error:
        if error.errno not in _NO_SENDFILE:
            raise
    # Some file systems know no sendfile(2).
    piece = os.pread(fd, min(count, _COPIED_AT_ONCE), offset)
    return os.write(socket, piece) if piece else 0


def _too_short(size: int) -> StorageUnavailable:
    return StorageUnavailable(f"a data file ends at {size}, bytes are missing")
