"""Work on files, done in threads so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from shared.errors import CsvmillError, StorageFull, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

P = ParamSpec("P")
T = TypeVar("T")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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


def write_all(fd: int, buffers: Sequence[bytes | memoryview], offset: int) -> None:
    """Write every byte of `buffers`, one after the other, at `offset`."""
    total = sum(len(buffer) for buffer in buffers)
    written = os.pwritev(fd, buffers, offset)
    if written < total:
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            count = os.pwrite(fd, rest, offset + total - len(rest))
            rest = rest[count:]


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
            raise StorageUnavailable(f"a data file ends at {offset + got}, bytes are missing")
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces)
