"""The file that is uploaded: read once, in chunks, each with its digest."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Self

from csvmill.client.errors import ClientError, InputChanged

if TYPE_CHECKING:
    from pathlib import Path


class Source:
    """A regular file that must not change while it is open here. Everything in it blocks.

    Raises ClientError for what is no regular file, OSError if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(self._fd)
            raise ClientError(f"{path} is no regular file; save its content to one first")
        self.size = found.st_size
        """Bytes."""
        self.mtime_ns = found.st_mtime_ns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`. Raises InputChanged if the file is not as it was."""
        parts = []
        at, stop = offset, offset + size
        while at < stop and (part := os.pread(self._fd, stop - at, at)):
            parts.append(part)
            at += len(part)
        now = os.fstat(self._fd)
        if at < stop or (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise InputChanged(f"{self._path} was changed while it was uploaded")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def chunk(self, offset: int, size: int) -> tuple[bytes, str]:
        """What `read` gives, and its `Content-Digest` (RFC 9530, 2)."""
        data = self.read(offset, size)
        return data, content_digest(hashlib.sha256(data).digest())


def content_digest(sha256: bytes) -> str:
    """A digest as the value of `Content-Digest` or `Repr-Digest` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"
