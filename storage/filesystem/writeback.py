"""Let the system write bytes to the disk soon, so that a later sync has little to wait for."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITE = 2
"""SYNC_FILE_RANGE_WRITE of sync_file_range(2): begin to write, and do not wait."""


def begin_writeback(fd: int, start: int, size: int) -> None:
    """Begin to write `size` bytes at `start` of a file to the disk. Errors are left to the sync."""
    sync_range = _sync_file_range()
    if sync_range is not None:
        sync_range(fd, start, size, _WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """Return the function of the C library; None if the system has none."""
    try:
        function = ctypes.CDLL(None).sync_file_range
    except AttributeError:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    found: Callable[[int, int, int, int], int] = function
    return found
