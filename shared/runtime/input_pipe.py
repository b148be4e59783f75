"""The standard input of a child: a pipe that is filled without blocking the event loop.

Parts of files reach it with sendfile(2), which passes the pages of the file and copies nothing. It
is no transport of uvloop, which closes the descriptor of a pipe twice.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.blobs.content import FilePart

CAPACITY = 1 << 20
"""Bytes that the pipe holds, the most that the system allows to any user."""


class InputPipe:
    """The writing end of a pipe, and until the child has been started, the reading end.

    All methods raise BrokenPipeError or ConnectionResetError if the child has closed its end.
    """

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        with suppress(OSError, AttributeError):  # Linux only; a user has so many pages of pipes
            fcntl.fcntl(self._writing, fcntl.F_SETPIPE_SZ, CAPACITY)

    def started(self) -> None:
        """Close the reading end in this process: the child has it now, or was not started."""
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    async def write(self, data: bytes) -> None:
        """Write all of `data`."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._writing, view) :]
            except BlockingIOError:
                await self._writable()

    async def send(self, part: FilePart) -> None:
        """Send a part of a file. Also raises StorageUnavailable, if it cannot be read."""
        at = part.start
        while at < part.stop:
            sent = await part.file.send(self._writing, at, part.stop - at)
            at += sent
            if not sent:
                await self._writable()

    def close(self) -> None:
        """Close the writing end, so that the child sees the end of its input."""
        self.started()
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    async def _writable(self) -> None:
        """Return when bytes can be written, or the child has closed its end."""
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._writing, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(self._writing)
