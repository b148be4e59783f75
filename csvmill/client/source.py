"""The file that is uploaded: read in chunks, each with its digest."""

from __future__ import annotations

import base64
import hashlib
import os
import select
import stat
import time
from typing import TYPE_CHECKING, Self

from csvmill.client.errors import ClientError, InputChanged
from shared.runtime.positions import OPEN_FLAGS, read_at

if TYPE_CHECKING:
    from pathlib import Path

WRITABLE_WAIT = 0.005
"""Seconds for which a thread waits for a full socket, which a fast server drains by then."""


class Source:
    """An open regular file that must not change meanwhile. All methods block.

    Raises ClientError for anything but a regular file, OSError if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | OPEN_FLAGS)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise ClientError(f"{path} is not a regular file; save its content to one first")
        self.size = status.st_size
        """Bytes."""
        self.mtime_ns = status.st_mtime_ns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly `size` bytes. Raises InputChanged if the file has changed."""
        parts = []
        at, stop = offset, offset + size
        while at < stop and (part := read_at(self._fd, stop - at, at)):
            parts.append(part)
            at += len(part)
        if at < stop or self._has_changed():
            raise self._changed()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def chunk(self, offset: int, size: int) -> tuple[bytes, str]:
        """Read like `read`; return the bytes and their `Content-Digest`."""
        data = self.read(offset, size)
        return data, content_digest(hashlib.sha256(data).digest())

    def send(self, socket: int, offset: int, size: int) -> int:
        """Send up to `size` (at least 1) bytes from `offset` on to a non-blocking socket.

        `socket` is a descriptor. Returns the number of bytes sent: 0 if the socket stays full for
        `WRITABLE_WAIT` seconds. Raises InputChanged if the file ends early.
        """
        writable = select.poll()
        writable.register(socket, select.POLLOUT)
        deadline = time.monotonic() + WRITABLE_WAIT
        sent = 0
        while sent < size:
            try:
                step = os.sendfile(socket, self._fd, offset + sent, size - sent)
            except BlockingIOError:
                step = None
            if step == 0:
                raise self._changed()
            sent += step or 0
            left = deadline - time.monotonic()
            if left <= 0 or not writable.poll(left * 1000):
                break
        return sent

    def _has_changed(self) -> bool:
        status = os.fstat(self._fd)
        return (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns)

    def _changed(self) -> InputChanged:
        return InputChanged(f"{self._path} changed during the upload")


def content_digest(sha256: bytes) -> str:
    """Return a digest as the value of `Content-Digest` or `Repr-Digest` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"
