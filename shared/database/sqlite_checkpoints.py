"""Moves what SQLite's log (WAL) holds into the file, on a connection of its own.

Otherwise the commit that fills the log does that, and its caller waits for two more syncs of the
disk.
"""

from __future__ import annotations

import asyncio
import logging

from shared.database.sqlite_thread import SqliteThread
from shared.errors import DatabaseUnavailable

EVERY = 200
"""Commits after which the log is moved. Most have a few pages of 4 KiB."""
LONGEST_LOG = 16_000
"""Pages of the log at which a commit moves it by itself after all."""

log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of the file at `path`; `committed` has to be called after each commit."""

    def __init__(self, path: str, timeout: float) -> None:
        self._connection = SqliteThread(path, timeout)
        self._opened = False
        self._commits = 0
        self._running: asyncio.Task[None] | None = None

    def committed(self) -> None:
        """Count a commit, and start a checkpoint now and then."""
        self._commits += 1
        if self._commits >= EVERY and (self._running is None or self._running.done()):
            self._commits = 0
            self._running = asyncio.create_task(self._checkpoint())

    async def close(self) -> None:
        """Wait for the checkpoint in progress, and close the connection."""
        if self._running is not None:
            await asyncio.wait([self._running])
        await self._connection.close()

    async def _checkpoint(self) -> None:
        try:
            if not self._opened:
                await self._connection.open()
                self._opened = True
            # PASSIVE waits for no other connection, and none has to wait for it.
            await self._connection.wait(
                self._connection.submit(
                    lambda connection: connection.execute(
                        "PRAGMA wal_checkpoint(PASSIVE)"
                    ).fetchall()
                )
            )
        except DatabaseUnavailable as error:
            log.info("the log of the database stays longer: %s", error)
