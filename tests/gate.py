"""Blocks an engine in the middle of its job until the test opens a gate."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import TYPE_CHECKING

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from shared.blobs.layout import DATA, blob_folder

if TYPE_CHECKING:
    from pathlib import Path


class Gate:
    """The input of one upload as a named pipe in a folder for the `blob_dir` of one processor.

    The processor reads the content to detect its dialect. Then the kernel blocks after it has
    opened the pipe, until the test opens the gate. The pipe serves one attempt. Later attempts find
    no file and read from storage.
    """

    def __init__(self, folder: Path, dzuuid: str, content: bytes) -> None:
        self.blob_dir = folder / f"gate-{dzuuid}"
        self._content = content
        self._pipe = blob_folder(self.blob_dir, upload_key(upload_id_of(dzuuid))) / DATA
        self._pipe.parent.mkdir(parents=True)
        os.mkfifo(self._pipe)
        self._end: int | None = None

    async def reached(self, timeout: float = 30.0) -> None:
        """Wait until a kernel has opened the pipe."""
        async with asyncio.timeout(timeout):
            first = await self._opened()
            # The kernel opens another pipe than the processor, whose end of this one may be open.
            other = self._pipe.with_name("other")
            os.mkfifo(other)
            other.rename(self._pipe)
            self._write(first)
            self._end = await self._opened()

    async def _opened(self) -> int:
        """Wait until the pipe has been opened for reading; return the other end."""
        while True:
            try:
                return os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # not opened for reading yet
                    raise
                await asyncio.sleep(0.01)

    def _write(self, end: int) -> None:
        # The content fits the buffer of a pipe.
        assert os.write(end, self._content) == len(self._content)
        os.close(end)

    def open(self) -> None:
        """Write the content and the end of the input."""
        assert self._end is not None, "no engine has reached the gate"
        self._pipe.unlink()
        self._write(self._end)
        self._end = None

    def close(self) -> None:
        """Close the pipe."""
        if self._end is not None:
            os.close(self._end)
            self._end = None
