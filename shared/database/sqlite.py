"""SQLite: one file with a writing and a reading connection, durable at every commit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from shared.database.sqlite_thread import SqliteThread, execute, translated
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence

    from shared.database.port import Heard, Row, Transaction, Value

EXCLUSIVE_TIMEOUT = 600.0
"""Seconds for each statement of an exclusive transaction."""


class SqliteDatabase:
    """The `Database` on SQLite.

    The transactions of this process run one after the other on one connection; those of other
    processes wait for the file's lock. Reads use a second connection and see the latest commit.

    A commit takes as long as the disk needs, so transactions that wait for their turn meanwhile are
    committed together: the first begins a transaction of SQLite, each is a savepoint in it, and a
    task that waits for its turn behind them commits it. No caller learns of the outcome of its
    transaction before that commit, not even of a failure: it may be due to what an earlier one has
    written. A transaction that fails is rolled back to its savepoint, and the others are kept.
    """

    def __init__(self, path: str, *, timeout: float) -> None:
        self._writer = SqliteThread(path, timeout, "synchronous = FULL", "foreign_keys = ON")
        self._reader = SqliteThread(path, timeout, "query_only = ON")
        self._timeout = timeout
        self._writing = asyncio.Lock()
        self._group: _Group | None = None
        """The transactions that the next commit makes durable."""
        self._committing: set[asyncio.Task[None]] = set()
        self._listeners: list[Heard] = []

    @classmethod
    async def connect(
        cls, path: str, *, timeout: float, start_timeout: float | None
    ) -> SqliteDatabase:
        """See `shared.database.connect`."""
        database = cls(path, timeout=timeout)
        with translated():
            async with asyncio.timeout(start_timeout):
                try:
                    await database._writer.open()
                    await database._reader.open()
                except BaseException:
                    await database.close()
                    raise
        return database

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database`."""
        return await self._reader.run(self._timeout, sql, values)

    async def write(self, sql: str, *values: Value, idempotent: bool = False) -> Sequence[Row]:
        """See `Database`. A file has no dead connections, so nothing is repeated."""
        del idempotent
        if self._group is None and not self._writing.locked():
            # No other transaction waits for a commit, so the thread need not be asked three times.
            async with self._turn(self._timeout):
                if self._group is None:  # none had its turn in the meantime
                    work = partial(_commit_alone, sql=sql, values=values)
                    return await self._writer.wait(self._writer.submit(work), self._timeout)
        async with self.transaction() as transaction:
            return await transaction.execute(sql, *values)

    @asynccontextmanager
    async def transaction(self, *, exclusive: bool = False) -> AsyncIterator[Transaction]:
        """See `Database`. Every transaction of SQLite is exclusive."""
        timeout = EXCLUSIVE_TIMEOUT if exclusive else self._timeout
        failure: Exception | None = None
        async with self._turn(timeout):
            if exclusive:
                # It may take minutes, in which the ones before it need not wait to be committed.
                await self._commit()
            group = self._joined_group()
            member = _Member(self._writer, group, timeout)
            try:
                yield member
            except DatabaseUnavailable:
                member.roll_back()
                raise
            except Exception as error:  # noqa: BLE001  (raised below)
                member.roll_back()
                failure = error
            except BaseException:
                member.roll_back()
                raise
            else:
                member.release()
            if exclusive:
                await self._commit()
        await self._writer.wait(group.committed, timeout)
        if failure is not None:
            raise failure

    @contextmanager
    def listen(self, heard: Heard) -> Iterator[None]:
        """See `Database`."""
        self._listeners.append(heard)
        try:
            yield
        finally:
            self._listeners.remove(heard)

    async def ping(self) -> None:
        """See `Database`."""
        await self.read("SELECT 1")

    async def close(self) -> None:
        """See `Database`."""
        if self._committing:
            await asyncio.wait(self._committing, timeout=self._timeout)
        await self._reader.close()
        await self._writer.close()

    @asynccontextmanager
    async def _turn(self, timeout: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout):
                await self._writing.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable(f"database: locked for {timeout:g} s") from error
        try:
            yield
        finally:
            self._writing.release()

    def _joined_group(self) -> _Group:
        """Return the group of a transaction whose turn it is."""
        if self._group is None:
            self._group = _Group()
            self._start(self._commit_when_it_is_the_turn_of(self._group))
        return self._group

    async def _commit_when_it_is_the_turn_of(self, group: _Group) -> None:
        async with self._writing:
            if self._group is group:
                await self._commit()

    async def _commit(self) -> None:
        """Commit the current group. Call it when no transaction has its turn, or as that one."""
        if self._group is not None:
            group, self._group = self._group, None
            # Finished even if the caller is cancelled: others wait for it.
            await asyncio.shield(self._start(self._commit_group(group)))

    async def _commit_group(self, group: _Group) -> None:
        try:
            await self._writer.wait(self._writer.submit(group.commit))
        except Exception as error:  # noqa: BLE001  (raised by each transaction)
            group.committed.set_exception(error)
            group.committed.exception()  # mark as retrieved: perhaps none waits any longer
            return
        group.committed.set_result(None)
        for text in group.told:
            for heard in tuple(self._listeners):
                heard(text)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._committing.add(task)
        task.add_done_callback(self._committing.discard)
        return task


def _commit_alone(
    connection: sqlite3.Connection, sql: str, values: Sequence[Value]
) -> Sequence[Row]:
    """Run one statement as a transaction. Runs in the writer's thread."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        rows = execute(connection, sql, values)
        connection.execute("COMMIT")
    finally:
        connection.rollback()  # does nothing after a commit
    return rows


class _Group:
    """Transactions that are committed together. The methods run in the writer's thread."""

    def __init__(self) -> None:
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: list[str] = []
        """What the transactions that were not rolled back tell the listeners."""
        self._begun = False
        self._lost = False
        """Whether SQLite has rolled everything back, as it does when a disk is full."""

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin the transaction of SQLite, if it is not. Raises DatabaseUnavailable if it is lost.

        Waits for the file's lock, if another process has it.
        """
        self.notice_loss(connection)
        if self._lost:
            raise self._unavailable()
        if not self._begun:
            # IMMEDIATE waits for the lock at the start: a transaction that reads first and writes
            # later cannot wait for it, and fails.
            connection.execute("BEGIN IMMEDIATE")
            self._begun = True

    def notice_loss(self, connection: sqlite3.Connection) -> None:
        """Notice whether SQLite has rolled the transaction back."""
        self._lost = self._lost or (self._begun and not connection.in_transaction)

    def commit(self, connection: sqlite3.Connection) -> None:
        """Make all that was released durable. Raises DatabaseUnavailable if it is lost."""
        self.notice_loss(connection)
        if self._lost:
            raise self._unavailable()
        try:
            if self._begun:
                connection.execute("COMMIT")
        finally:
            connection.rollback()  # does nothing after a commit

    def _unavailable(self) -> DatabaseUnavailable:
        return DatabaseUnavailable("database: the transaction was rolled back by SQLite")


class _Member:
    """A transaction of a group: a savepoint from its first statement on."""

    def __init__(self, writer: SqliteThread, group: _Group, timeout: float) -> None:
        self._writer = writer
        self._group = group
        self._timeout = timeout
        self._begun = False
        self._told: list[str] = []

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        run = partial(self._execute, sql=sql, values=values)
        return await self._writer.wait(self._writer.submit(run), self._timeout)

    async def tell(self, text: str) -> None:
        self._told.append(text)

    def release(self) -> None:
        """Keep what was done, for the group to commit."""
        self._group.told += self._told
        self._end("RELEASE member")

    def roll_back(self) -> None:
        """Undo what was done."""
        self._end("ROLLBACK TO member", "RELEASE member")

    def _end(self, *statements: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            self._group.notice_loss(connection)
            if self._begun and connection.in_transaction:
                for statement in statements:
                    connection.execute(statement)

        # Nothing waits for it: it runs before the next statement of any other transaction.
        with suppress(DatabaseUnavailable):  # closed, which rolls back
            self._writer.submit(work)

    def _execute(
        self, connection: sqlite3.Connection, sql: str, values: Sequence[Value]
    ) -> Sequence[Row]:
        self._group.begin(connection)
        if not self._begun:
            connection.execute("SAVEPOINT member")
            self._begun = True
        return execute(connection, sql, values)
