"""File operations in threads, so that the event loop never waits for a disk."""

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

WRITABLE_WAIT = 0.005
"""Seconds for which a thread waits for a full socket. A fast client has drained it by then; a slow
one must not occupy a thread."""
SEND_TIME = 0.025
"""Seconds for which a thread sends to one client that is fast, before it serves other work."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_COPY_SIZE = 256 << 10
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_PEER_GONE = {
    errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN,
}  # fmt: skip


class Disk:
    """A pool of threads for file operations.

    An OSError becomes StorageFull if the disk is full, else StorageUnavailable. A thread cannot be
    interrupted: a task that is cancelled while it waits for one gets its CancelledError after the
    thread has finished, so that no descriptor is closed and no claim given up while the thread
    uses it.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Start `work` in a thread. Pass the future to `wait` or `settle`."""
        # Log lines of the thread carry the ids of this context.
        context = copy_context()
        return asyncio.wrap_future(
            self._threads.submit(context.run, partial(work, *args, **kwargs))
        )

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Wait for submitted work and return its result."""
        try:
            return await finish(future)
        except OSError as error:
            raise as_storage_error(error) from error

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a thread and return its result."""
        return await self.wait(self.submit(work, *args, **kwargs))

    async def close_files(self, fds: list[int]) -> None:
        """Close descriptors in a thread and remove them from `fds`.

        Closing the last descriptor of a deleted file frees its space, which may take long.
        """
        if fds:
            await self.run(_close_all, fds)

    async def close(self) -> None:
        """Wait for the work in progress and stop the threads."""
        await asyncio.to_thread(self._threads.shutdown)


async def finish(future: asyncio.Future[T]) -> T:
    """Return the result of a future. Raises a cancellation only after the future is done."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # mark as retrieved: the cancellation takes precedence
        raise cancelled
    return future.result()


async def settle(future: asyncio.Future[T]) -> None:
    """Wait until the work has ended, ignoring its errors."""
    with suppress(OSError, CsvmillError):
        await finish(future)


async def uninterrupted(step: Coroutine[object, object, T]) -> T:
    """Finish `step` even if the caller is cancelled, so that memory agrees with the disk."""
    return await finish(asyncio.ensure_future(step))


def as_storage_error(error: OSError) -> CsvmillError:
    """Convert an OSError to StorageFull or StorageUnavailable."""
    if error.errno in _FULL:
        return StorageFull(f"no disk space left for blobs: {error.strerror}")
    return StorageUnavailable(f"the file system of blobs failed: {error}")


def _close_all(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def read_exactly(fd: int, count: int, offset: int) -> bytes:
    """Return the `count` bytes at `offset`. Raises StorageUnavailable if the file ends early."""
    first = os.pread(fd, count, offset)
    if len(first) == count:
        return first
    pieces = [first]
    read = len(first)
    while read < count:
        piece = os.pread(fd, count - read, offset + read)
        if not piece:
            raise _too_short(offset + read)
        pieces.append(piece)
        read += len(piece)
    return b"".join(pieces)


def send_some(socket: int, fd: int, offset: int, count: int) -> int:
    """Send up to `count` (at least 1) bytes of a file at `offset` to a non-blocking socket.

    Returns the number of bytes sent; 0 if the socket stays full for `WRITABLE_WAIT` seconds.
    Raises ConnectionError if the peer has disconnected, StorageUnavailable if the file ends early.
    """
    writable = select.poll()
    writable.register(socket, select.POLLOUT)
    deadline = time.monotonic() + SEND_TIME
    sent = 0
    while sent < count:
        try:
            sent += _send_once(socket, fd, offset + sent, count - sent)
        except (OSError, StorageUnavailable):
            if sent:
                return sent  # the next call raises the error
            raise
        if time.monotonic() > deadline or not writable.poll(WRITABLE_WAIT * 1000):
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
    # Some file systems do not support sendfile(2).
    piece = os.pread(fd, min(count, _COPY_SIZE), offset)
    return os.write(socket, piece) if piece else 0


def _too_short(size: int) -> StorageUnavailable:
    return StorageUnavailable(f"a data file ends at {size}, bytes are missing")
