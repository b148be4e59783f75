"""SQLite: one file with a writing and a reading connection, durable at every commit."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import aiosqlite

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from shared.database.port import Row, Transaction, Value

EXCLUSIVE_TIMEOUT = 600.0
"""Seconds for each statement of an exclusive transaction."""

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

log = logging.getLogger(__name__)


class SqliteDatabase:
    """The `Database` on SQLite.

    The transactions of this process run one after the other on one connection; those of other
    processes wait for the file's lock. Reads use a second connection and see the latest commit.
    Each connection has a thread, which runs statements in the order in which they were issued. So a
    cancelled caller need not wait: its rollback runs before the next BEGIN.
    """

    def __init__(
        self, writer: aiosqlite.Connection, reader: aiosqlite.Connection, *, timeout: float
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._timeout = timeout
        self._writing = asyncio.Lock()

    @classmethod
    async def connect(
        cls, path: str, *, timeout: float, start_timeout: float | None
    ) -> SqliteDatabase:
        """See `shared.database.connect`."""
        with _translated():
            async with asyncio.timeout(start_timeout):
                writer = await _open(path, timeout, "synchronous = FULL", "foreign_keys = ON")
                try:
                    reader = await _open(path, timeout, "query_only = ON")
                except BaseException:
                    await writer.close()
                    raise
        return cls(writer, reader, timeout=timeout)

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database`."""
        return await _run(self._reader, self._timeout, sql, values)

    async def write(self, sql: str, *values: Value, idempotent: bool = False) -> Sequence[Row]:
        """See `Database`. A file has no dead connections, so nothing is repeated."""
        del idempotent
        async with self.transaction() as transaction:
            return await transaction.execute(sql, *values)

    @asynccontextmanager
    async def transaction(self, *, exclusive: bool = False) -> AsyncIterator[Transaction]:
        """See `Database`. Every transaction of SQLite is exclusive."""
        timeout = EXCLUSIVE_TIMEOUT if exclusive else self._timeout
        async with self._writer_lock(timeout):
            try:
                # IMMEDIATE waits for the file's lock at the start: a transaction that reads first
                # and writes later cannot wait for it, and fails.
                await _run(self._writer, timeout, "BEGIN IMMEDIATE")
                yield _Statements(self._writer, timeout)
                await _run(self._writer, timeout, "COMMIT")
            except BaseException:
                await self._roll_back()
                raise

    async def ping(self) -> None:
        """See `Database`."""
        await self.read("SELECT 1")

    async def close(self) -> None:
        """See `Database`."""
        await self._reader.close()
        await self._writer.close()

    @asynccontextmanager
    async def _writer_lock(self, timeout: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout):
                await self._writing.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable(f"database: locked for {timeout:g} s") from error
        try:
            yield
        finally:
            self._writing.release()

    async def _roll_back(self) -> None:
        # A no-op without an open transaction. ValueError: the connection was closed meanwhile.
        with suppress(ValueError):
            await asyncio.shield(self._writer.rollback())


class _Statements:
    def __init__(self, connection: aiosqlite.Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        return await _run(self._connection, self._timeout, sql, values)


async def _open(path: str, timeout: float, *pragmas: str) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, timeout=timeout, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        await _enter_wal(connection, timeout)
        for pragma in pragmas:
            await connection.execute_fetchall(f"PRAGMA {pragma}")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _enter_wal(connection: aiosqlite.Connection, timeout: float) -> None:
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # On a new file this fails immediately while another process does the same.
            late = asyncio.get_running_loop().time() > deadline
            if late or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
        await asyncio.sleep(0.02)


async def _run(
    connection: aiosqlite.Connection, timeout: float, sql: str, values: Sequence[Value] = ()
) -> Sequence[Row]:
    # `$1` is to SQLite a parameter named "1".
    named = {str(number): value for number, value in enumerate(values, start=1)}
    with _translated():
        async with asyncio.timeout(timeout):
            rows: Iterable[sqlite3.Row] = await connection.execute_fetchall(sql, named)
    return [dict(row) for row in rows]


@contextmanager
def _translated() -> Iterator[None]:
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
    except ValueError as error:
        # aiosqlite raises it on a closed connection.
        raise DatabaseUnavailable(f"database: {error}") from error
