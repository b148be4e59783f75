"""Scratch folders. The folder of a killed process is removed when the next one starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed
from shared.runtime.files import empty_folder, lock_file, remove_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK = ".lock"


class Scratch:
    """The folder of this process below `root`, locked until `close` or the end of the process."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        # Another process that starts must not find a folder that is not locked yet.
        root_lock = lock_file(root / _LOCK, wait=True)
        try:
            _remove_abandoned(root)
            self.path = Path(tempfile.mkdtemp(prefix="processor-", dir=root))
            self._lock = lock_file(self.path / _LOCK)
        finally:
            os.close(root_lock)
        self._empty: list[Path] = []
        """Folders that nobody uses now."""
        self._created = 0

    @asynccontextmanager
    async def folder(self, name: str) -> AsyncIterator[Path]:
        """Create an empty folder for one attempt, and remove it with its content at the end.

        Raises AttemptFailed if it cannot be created, for instance on a full disk.
        """
        path = self._new(name)
        try:
            yield path
        finally:
            await remove_folder(path)

    @asynccontextmanager
    async def reused_folder(self) -> AsyncIterator[Path]:
        """An empty folder that nobody else uses; what is in it at the end is removed.

        It is used again and again: small jobs would spend a tenth of their time on creating and
        removing folders. Raises AttemptFailed as `folder`.
        """
        if self._empty:
            path = self._empty.pop()
        else:
            self._created += 1
            path = self._new(f"engine-{self._created}")
        try:
            yield path
        finally:
            if await empty_folder(path):
                self._empty.append(path)

    def _new(self, name: str) -> Path:
        path = self.path / name
        try:
            path.mkdir()  # not in a thread, which takes longer
        except OSError as error:
            raise AttemptFailed(f"scratch folder cannot be created: {error.strerror}") from error
        return path

    def close(self) -> None:
        """Remove the folder and release the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob("processor-*"):
        try:
            lock = lock_file(folder / _LOCK, create=False)
        except FileNotFoundError:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        except BlockingIOError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
