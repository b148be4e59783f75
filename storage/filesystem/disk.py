"""File operations in threads, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
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

log = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Disk:
    """Threads for file operations, and `movers`, which may also wait for a network.

    An OSError becomes StorageFull if the disk is full, else StorageUnavailable. A thread cannot be
    interrupted: a task that is cancelled while it waits for one gets its CancelledError after the
    thread has finished, so that no descriptor is closed and no claim given up while the thread
    uses it.
    """

    def __init__(self, *, threads: int, movers: int = 0) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")
        self._movers = ThreadPoolExecutor(movers or 1, thread_name_prefix="movers")
        self._idle_movers = movers

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Start `work` in a thread. Pass the future to `wait` or `settle`."""
        return self._start(self._threads, work, *args, **kwargs)

    def submit_if_idle(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T] | None:
        """Start work that waits for a network, too, in a thread of its own kind, as `submit`.

        Returns None, and starts nothing, if all `movers` are busy.
        """
        if not self._idle_movers:
            return None
        self._idle_movers -= 1
        future = self._start(self._movers, work, *args, **kwargs)
        future.add_done_callback(self._moved)
        return future

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
        await asyncio.to_thread(self._movers.shutdown)
        await asyncio.to_thread(self._threads.shutdown)

    def _start(
        self, threads: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        # Log lines of the thread carry the ids of this context.
        context = copy_context()
        return asyncio.wrap_future(threads.submit(context.run, partial(work, *args, **kwargs)))

    def _moved(self, _: object) -> None:
        self._idle_movers += 1


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
    log.warning("the file system of blobs failed: %s", error)
    # Clients see the message, and no paths of this machine.
    return StorageUnavailable(
        f"the file system of blobs failed: {error.strerror or 'unknown error'}"
    )


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


def _too_short(size: int) -> StorageUnavailable:
    return StorageUnavailable(f"a data file ends at {size}, bytes are missing")
