"""Pause storage while it verifies the digest of a blob."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from unittest import mock

from storage.filesystem import blob, disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT = 10
"""Seconds after which a test fails."""


class Verification:
    """A verification that pauses until `resume` is called."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._released = threading.Event()

    async def started(self) -> None:
        """Wait until the verification has started."""
        assert await asyncio.to_thread(self._started.wait, TIMEOUT), "no verification has started"

    def resume(self) -> None:
        """Let this verification, and all later ones, finish."""
        self._released.set()

    def pause(self) -> None:
        """Called in a thread of storage."""
        self._started.set()
        assert self._released.wait(TIMEOUT), "the test did not resume the verification"


@asynccontextmanager
async def paused_verification() -> AsyncIterator[Verification]:
    """Pause every verification until `resume` is called or the context is left."""
    verification = Verification()
    read = disk.read_exactly

    def read_paused(fd: int, count: int, offset: int) -> bytes:
        verification.pause()
        return read(fd, count, offset)

    with mock.patch.object(blob, "read_exactly", read_paused):
        try:
            yield verification
        finally:
            verification.resume()
