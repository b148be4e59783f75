"""A section of a file as the body of a request, which is never in memory as a whole."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

from storage.filesystem.disk import read_exactly

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 1 << 20


class Section(io.RawIOBase):
    """Reads the bytes `start..stop` of the open file `fd`, which stays open."""

    def __init__(self, fd: int, start: int, stop: int) -> None:
        super().__init__()
        self._fd = fd
        self._start = start
        self._size = stop - start
        self._at = 0

    def readable(self) -> bool:
        """See io."""
        return True

    def seekable(self) -> bool:
        """See io."""
        return True

    def tell(self) -> int:
        """See io."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See io."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """See io."""
        view = memoryview(buffer)[: max(0, self._size - self._at)]
        count = os.preadv(self._fd, [view], self._start + self._at) if len(view) else 0
        self._at += count
        return count


def md5_of(fd: int, start: int, stop: int) -> bytes:
    """Return the MD5 of the bytes `start..stop`, which object storage compares; blocks.

    Raises StorageUnavailable if the file ends early.
    """
    digest = hashlib.md5(usedforsecurity=False)
    for at in range(start, stop, _PIECE):
        digest.update(read_exactly(fd, min(_PIECE, stop - at), at))
    return digest.digest()
