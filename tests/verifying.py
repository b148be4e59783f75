"""Holds up storage while it verifies the digest of a whole blob."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from unittest import mock

from storage.filesystem import blob, disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 10
"""Seconds after which a test is given up."""


class Verification:
    """One that has begun, or will, and goes on only when told so."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._released = threading.Event()

    async def begun(self) -> None:
        """Wait until the bytes are about to be read again."""
        assert await asyncio.to_thread(self._begun.wait, PATIENCE), "nothing is verified"

    def go_on(self) -> None:
        """Let it, and all that follow, come to an end."""
        self._released.set()

    def held_up(self) -> None:
        """Called in storage's thread."""
        self._begun.set()
        assert self._released.wait(PATIENCE), "nobody let it go on"


@asynccontextmanager
async def held_up() -> AsyncIterator[Verification]:
    """Whatever is verified meanwhile waits for `go_on`; which leaving does too."""
    verification = Verification()
    read = disk.read_exactly

    def read_later(fd: int, count: int, offset: int) -> bytes:
        verification.held_up()
        return read(fd, count, offset)

    with mock.patch.object(blob, "read_exactly", read_later):
        try:
            yield verification
        finally:
            verification.go_on()
