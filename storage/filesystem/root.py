"""The root folder of the blobs: its lock, and the folders for blobs not yet created or deleted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.blobs.blob import RESULTS, UPLOADS
from shared.errors import StorageUnavailable
from shared.runtime.files import lock_file, make_private, write_all
from storage.filesystem.atomic_folders import make_folders
from storage.filesystem.creation_log import CreationLog

if TYPE_CHECKING:
    from pathlib import Path

STAGING = ".new"
"""The folder of temporary files; it is emptied when storage starts."""


class RootFolder:
    """A folder that one process uses at a time. Everything here blocks."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self.path = path
        # Keys have no dots, so these names cannot be blobs.
        self.staging = path / STAGING
        """The folder for spill files and for blobs that are being created."""
        self._trash = path / ".trash"
        self._fsync = fsync
        self._lock_fd: int | None = None
        self.log: CreationLog | None = None
        """With fsync: the log of blobs that are created whole."""

    def open(self) -> None:
        """Create the folder if needed, lock it, and remove what a crash left behind.

        Raises StorageUnavailable if another process uses it.
        """
        make_folders(self.path, fsync=self._fsync)
        make_private(self.path)
        lock = self.path / ".lock"
        try:
            self._lock_fd = lock_file(lock)
        except BlockingIOError:
            owner = lock.read_text(errors="replace").strip()
            raise StorageUnavailable(
                f"{self.path} is in use by another storage process (pid {owner or 'unknown'}); "
                "stop it, or set CSVMILL_DATA_DIR to another folder"
            ) from None
        # Storage must start on a full disk, so that blobs can be read and deleted. So this keeps
        # the folders, which could not be created again, and ignores that the pid does not fit.
        for folder in (self.staging, self._trash):
            folder.mkdir(exist_ok=True)
            for leftover in folder.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        with suppress(OSError):
            write_all(self._lock_fd, f"{os.getpid():<20}".encode())
        for kind in (UPLOADS, RESULTS):
            make_folders(self.path / kind, fsync=self._fsync)
        if self._fsync:
            self.log = CreationLog(self.path, self.staging_path)
            self.log.open()

    def close(self) -> None:
        """Close the log and release the lock."""
        if self.log is not None:
            self.log.close()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def staging_path(self) -> Path:
        """Return a new path at which to build a folder."""
        return self.staging / uuid4().hex

    def trash_path(self) -> Path:
        """Return a new path to which to move a deleted folder."""
        return self._trash / uuid4().hex

    def probe(self) -> None:
        """Check that a file can be created. Raises OSError."""
        probe = self.staging / "ping"
        probe.touch()
        probe.unlink(missing_ok=True)
