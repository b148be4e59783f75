"""Scratch folders that cannot pile up: what a killed process left is removed by the next one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK = ".lock"


class Scratch:
    """A folder of this process's own below `root`, held by a lock for as long as it lives."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        # Serialises with the sweep of another process, which must not see a folder without lock.
        with _locked(root / _LOCK):
            _remove_abandoned(root)
            self.path = Path(tempfile.mkdtemp(prefix="processor-", dir=root))
            self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

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


class _locked:  # noqa: N801  (used as a statement: `with _locked(path)`)
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob("processor-*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
