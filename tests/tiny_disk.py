"""A file system of a few MiB that tests fill and enlarge."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class CannotMount(Exception):
    """Mounting is not permitted: it needs root, and fails in some containers."""


class TinyDisk:
    """A tmpfs mounted on `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def resize(self, size: int) -> None:
        """Set the total size, in bytes."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True)

    def fill(self, *, room: int) -> None:
        """Fill the disk, except for `room` bytes (in whole pages), until `free`."""
        fd = os.open(self._ballast, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            size, step = 0, 64 << 20
            while step >= PAGE:
                try:
                    os.posix_fallocate(fd, size, step)
                    size += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
            os.ftruncate(fd, max(0, size - room))
        finally:
            os.close(fd)

    def free(self) -> None:
        """Undo `fill`."""
        self._ballast.unlink(missing_ok=True)


PAGE = 4096


@contextmanager
def mounted_disk(path: Path, size: int) -> Iterator[TinyDisk]:
    """Mount a new file system of `size` bytes on `path`. Raises CannotMount."""
    path.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "csvmill-tests", path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode != 0:
        raise CannotMount(mounted.stderr.strip())
    try:
        yield TinyDisk(path)
    finally:
        # Lazily: a process that is ending may have a file open.
        subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def tiny_disk(path: Path, size: int) -> Iterator[TinyDisk]:
    """Mount a disk like `mounted_disk`; skip the test if that is not permitted."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted_disk(path, size))
        except CannotMount as reason:
            pytest.skip(f"cannot mount a tmpfs, which only root may: {reason}")
        yield disk
