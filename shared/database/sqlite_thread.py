"""A connection to a SQLite file, in a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from shared.database.loop_thread import LoopThread
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.database.port import Row, Value

T = TypeVar("T")

_UNABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PERM,
    }
)
"""Result codes for a file that cannot be used now; all others mean a defect."""


class SqliteThread:
    """One connection. What is submitted runs in the order of submission, even if nothing waits.

    So a cancelled caller need not wait: what it submits afterwards, such as a rollback, runs before
    what any later caller submits.
    """

    def __init__(self, path: str, timeout: float, *pragmas: str) -> None:
        """`timeout`: seconds to wait for the file's lock. `open` must be called first."""
        self._path = path
        self._timeout = timeout
        self._pragmas = pragmas
        self._thread = LoopThread("sqlite")
        self._connection: sqlite3.Connection
        self._closed = False

    async def open(self) -> None:
        """Open the file. Raises DatabaseUnavailable."""
        try:
            await self.wait(self._in_thread(self._open))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection after what was submitted; roll back what it has not committed."""
        if not self._closed:
            closing = self._in_thread(lambda: self._connection.close())
            self._closed = True
            self._thread.stop()
            await asyncio.wait((closing,))
            closing.exception()  # mark as retrieved: without an open file there is none to close

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Run `work` in the thread, after all that was submitted before.

        Raises DatabaseUnavailable if the connection is closed.
        """
        if self._closed:
            raise DatabaseUnavailable("database: the connection is closed")
        return self._in_thread(lambda: work(self._connection))

    async def wait(self, submitted: asyncio.Future[T], timeout: float | None = None) -> T:
        """Return the result of what was submitted.

        Raises DatabaseUnavailable after `timeout` seconds, or if the file cannot be used. The work
        is not cancelled with its caller.
        """
        with translated():
            async with asyncio.timeout(timeout):
                return await asyncio.shield(submitted)

    async def run(self, timeout: float, sql: str, values: Sequence[Value] = ()) -> Sequence[Row]:
        """Run one statement, and return its rows. Raises DatabaseUnavailable."""
        return await self.wait(self.submit(partial(execute, sql=sql, values=values)), timeout)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return self._thread.run(work)

    def _open(self) -> None:
        self._connection = connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None
        )
        connection.row_factory = sqlite3.Row
        _enter_wal(connection, self._timeout)
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")


def execute(
    connection: sqlite3.Connection, sql: str, values: Sequence[Value] = ()
) -> Sequence[Row]:
    """Run one statement, and return its rows. `$1` is to SQLite a parameter named "1"."""
    named = {str(number): value for number, value in enumerate(values, start=1)}
    return [dict(row) for row in connection.execute(sql, named).fetchall()]


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of a file that cannot be used now into DatabaseUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        # Extended result codes hold the primary one in their lowest byte.
        if (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _UNABLE:
            raise DatabaseUnavailable(f"database: {error}") from error
        raise
    except TimeoutError as error:
        raise DatabaseUnavailable("database: no answer in time") from error


def _enter_wal(connection: sqlite3.Connection, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # On a new file this fails immediately while another process does the same.
            if time.monotonic() > deadline or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
        time.sleep(0.02)
