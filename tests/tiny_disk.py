"""A file system of a few MiB, to run full and to grow."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TinyDisk:
    """A tmpfs mounted on `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, size: int) -> None:
        """Have room for `size` bytes in all."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True)


@contextmanager
def tiny_disk(path: Path, size: int) -> Iterator[TinyDisk]:
    """A new file system of `size` bytes on `path`; skips the test where none may be mounted."""
    path.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "csvmill-tests", path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs, which only root may: {mounted.stderr.strip()}")
    try:
        yield TinyDisk(path)
    finally:
        # Lazily: a process that is just ending may have a file open.
        subprocess.run(["umount", "--lazy", path], check=True)
