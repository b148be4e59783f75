"""Where the tests and their servers keep their files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil

IN_MEMORY = Path("/dev/shm")  # noqa: S108  (`mkdtemp` creates the folders in it)
NEEDED = 4 << 30
"""Free bytes, at least, for the files of the tests that run at the same time."""


def use_memory() -> None:
    """Keep temporary files in memory if there is enough, and unless TMPDIR names a folder.

    A file that is written and removed within a test does not have to reach a disk. What a killed
    process wrote is kept there as it is in the page cache of a disk.
    """
    if "TMPDIR" not in os.environ and _room() >= NEEDED:
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None


def _room() -> int:
    if not os.access(IN_MEMORY, os.W_OK):
        return 0
    status = os.statvfs(IN_MEMORY)
    return min(status.f_bavail * status.f_frsize, psutil.virtual_memory().available // 2)
