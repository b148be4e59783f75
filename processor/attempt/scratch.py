"""Scratch folders that cannot pile up: what a killed process left is removed by the next one."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed
from shared.runtime.files import lock_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK = ".lock"


class Scratch:
    """A folder of this process's own below `root`, held by a lock for as long as it lives."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        # Serialises with the sweep of another process, which must not see a folder without lock.
        root_lock = lock_file(root / _LOCK, wait=True)
        try:
            _remove_abandoned(root)
            self.path = Path(tempfile.mkdtemp(prefix="processor-", dir=root))
            self._lock = lock_file(self.path / _LOCK)
        finally:
            os.close(root_lock)

    @asynccontextmanager
    async def folder(self, name: str) -> AsyncIterator[Path]:
        """An empty folder for one attempt, removed with all that is in it when left.

        Raises AttemptFailed if it cannot be made: the disk is full, for one.
        """
        path = self.path / name
        try:
            await asyncio.to_thread(path.mkdir)
        except OSError as error:
            raise AttemptFailed(f"no scratch folder can be made: {error.strerror}") from error
        try:
            yield path
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, path, ignore_errors=True))

    def close(self) -> None:
        """Remove the folder and give up the lock."""
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
