"""Space that a database on SQLite keeps for the moment when its disk is full."""

from __future__ import annotations

import logging
import os
from pathlib import Path

SIZE = 4 << 20
"""Bytes of the spare file: room for the ends of about a hundred jobs in the log of SQLite."""
LEAST = 256 << 10
"""Free bytes below which the file is given up: a transaction takes fewer."""
PLENTY = 4 * SIZE
"""Free bytes from which the file is made again."""

log = logging.getLogger(__name__)


class Spare:
    """A file beside the database, `<database>-spare`, which is removed when the disk is full.

    So jobs can be cancelled, and their ends recorded, although others have filled the disk. Used
    by one thread.
    """

    def __init__(self, path: str) -> None:
        self._file = Path(f"{path}-spare")
        self._held = False

    def adjust(self) -> None:
        """Give the space up if the database needs it, and take it again if there is plenty."""
        usage = os.statvfs(self._file.parent)
        free = usage.f_bavail * usage.f_frsize
        if self._held and free < LEAST:
            self._held = False
            self._file.unlink(missing_ok=True)
            log.warning("the disk is full: the database uses its spare space")
        elif not self._held and free >= PLENTY:
            self._held = self._take()

    def _take(self) -> bool:
        try:
            fd = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, SIZE)
            finally:
                os.close(fd)
        except OSError as error:
            log.warning("the database has no spare space: %s", error.strerror)
            return False
        return True
