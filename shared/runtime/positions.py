"""Reads and writes at a position of a file, on every system. Everything here blocks."""

from __future__ import annotations

import os
import threading

OPEN_FLAGS: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every `os.open`: child processes do not get the descriptor; bytes stay as they are."""

_HAS_POSITIONS = hasattr(os, "pread") and hasattr(os, "pwrite")
_moving = threading.Lock()
"""Held while the file position is used, on a system that has no other way (Windows)."""


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Read up to `size` bytes from `offset` on; none at the end of the file. Raises OSError."""
    if _HAS_POSITIONS:
        return os.pread(fd, size, offset)
    with _moving:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, size)


def write_at(fd: int, data: memoryview, offset: int) -> int:
    """Write bytes to `offset`, and return how many were written. Raises OSError."""
    if _HAS_POSITIONS:
        return os.pwrite(fd, data, offset)
    with _moving:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)
