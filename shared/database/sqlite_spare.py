"""Space that a database on SQLite keeps for the moment when its disk is full."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from shared.errors import DatabaseUnavailable

SIZE = 4 << 20
"""Bytes of the spare file: room for the ends of about a hundred jobs in the log of SQLite."""
LEAST = 256 << 10
"""Free bytes below which the file is given up: a transaction takes fewer."""
PLENTY = 4 * SIZE
"""Free bytes from which the file is made again."""

_IN_MEMORY = {"", ":memory:"}

log = logging.getLogger(__name__)


class Spare:
    """A file beside the database, `<database>-spare`, which is removed when the disk is full.

    So jobs can be cancelled, and their ends recorded, although others have filled the disk. Used
    by one thread. A database in memory (`:memory:`, or no path) has none.
    """

    def __init__(self, path: str) -> None:
        self._kept = path not in _IN_MEMORY
        self._file = Path(f"{path}-spare")

    def adjust(self) -> None:
        """Give the space up if the database needs it, and take it again if there is plenty."""
        if not self._kept:
            return
        free = self._free()
        if free < LEAST:
            if self._file.exists():  # it may have been made by an earlier process
                self._file.unlink(missing_ok=True)
                log.warning("the disk is full: the database uses its spare space")
        elif free >= PLENTY and not self._file.exists():
            self._take()

    def prepare(self) -> None:
        """Adjust it before the database is opened, which takes space. The folder may not exist."""
        with suppress(FileNotFoundError):
            self.adjust()

    def check(self) -> None:
        """Raise DatabaseUnavailable if the disk is full and the space is given up already."""
        if not self._kept:
            return
        with suppress(FileNotFoundError):
            if self._free() < LEAST and not self._file.exists():
                raise DatabaseUnavailable("database: the disk is full; free some space")

    def _free(self) -> int:
        usage = os.statvfs(self._file.parent)
        return usage.f_bavail * usage.f_frsize

    def _take(self) -> None:
        try:
            fd = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, SIZE)
            except OSError:
                self._file.unlink(missing_ok=True)
                raise
            finally:
                os.close(fd)
        except OSError as error:
            log.warning("the database has no spare space: %s", error.strerror)
