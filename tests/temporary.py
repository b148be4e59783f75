"""Where the tests and their servers keep their files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil

IN_MEMORY = Path("/dev/shm")  # noqa: S108  (`mkdtemp` creates the folders in it)
NEEDED = 4 << 30
"""Bytes of memory, at least, for the files of the tests that run at the same time."""
DECLARED = 22_000_000_000
"""Free bytes of the file system, at least: tests send sparse files of 20 GB, for which a service
demands room."""


def use_memory() -> None:
    """Keep temporary files in memory if there is enough, and unless TMPDIR names a folder.

    A file that is written and removed within a test does not have to reach a disk. What a killed
    process wrote is kept there as it is in the page cache of a disk.
    """
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None


def _has_room() -> bool:
    if not os.access(IN_MEMORY, os.W_OK):
        return False
    status = os.statvfs(IN_MEMORY)
    free = status.f_bavail * status.f_frsize
    return free >= DECLARED and psutil.virtual_memory().available // 2 >= NEEDED
