"""SQLite: one file with a writing and a reading connection, durable at every commit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from shared.database.port import WRITE_PROBE
from shared.database.sqlite_batches import Call, run_batch
from shared.database.sqlite_checkpoints import LONGEST_LOG, Checkpoints
from shared.database.sqlite_spare import Spare
from shared.database.sqlite_thread import SqliteThread, execute, translated
from shared.database.steps import statement
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from shared.database.port import Heard, Row, Steps, Transaction, Value

T = TypeVar("T")

EXCLUSIVE_TIMEOUT = 600.0
"""Seconds for each statement of an exclusive transaction."""


class SqliteDatabase:
    """The `Database` on SQLite.

    The transactions of this process run one after the other on one connection; those of other
    processes wait for the file's lock. Reads use a second connection and see the latest commit.

    A commit takes as long as the disk needs, so the transactions of `perform` and `write` that wait
    meanwhile are committed together: each is a savepoint, so that one that fails takes no other
    with it. No caller learns of the outcome before that commit, not even of a failure: it may be
    due to what an earlier one has written.
    """

    def __init__(self, path: str, *, timeout: float) -> None:
        self._writer = SqliteThread(
            path,
            timeout,
            "synchronous = FULL",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {LONGEST_LOG}",
        )
        self._checkpoints = Checkpoints(path, timeout)
        self._spare = Spare(path)
        self._reader = SqliteThread(path, timeout, "query_only = ON")
        self._timeout = timeout
        self._writing = asyncio.Lock()
        self._listeners: list[Heard] = []
        self._calls: list[Call[Any]] = []
        """The transactions of `perform` that have not begun."""
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls, path: str, *, timeout: float, start_timeout: float | None
    ) -> SqliteDatabase:
        """See `shared.database.connect`."""
        database = cls(path, timeout=timeout)
        await asyncio.to_thread(database._spare.prepare)
        with translated():
            async with asyncio.timeout(start_timeout):
                try:
                    await database._writer.open()
                    await database._reader.open()
                except BaseException as error:
                    await database.close()
                    if isinstance(error, DatabaseUnavailable):
                        database._spare.check()  # says more than "disk I/O error"
                    raise
        return database

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database`."""
        return await self._reader.run(self._timeout, sql, values)

    async def write(
        self, sql: str, *values: Value, idempotent: bool = False, durable: bool = True
    ) -> Sequence[Row]:
        """See `Database`. A file has no dead connections, so nothing is repeated."""
        del idempotent
        return await self.perform(statement(sql, *values), durable=durable)

    async def perform(self, steps: Steps[T], *, durable: bool = True) -> T:
        """See `Database`."""
        call = Call(steps, durable, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            return await self._writer.wait(call.outcome, self._timeout)
        except BaseException as error:
            if call in self._calls:  # it has not begun, and need not
                self._calls.remove(call)
                if isinstance(error, DatabaseUnavailable):
                    raise _locked(self._timeout) from error
            raise

    @asynccontextmanager
    async def transaction(self, *, exclusive: bool = False) -> AsyncIterator[Transaction]:
        """See `Database`. Every transaction of SQLite is exclusive."""
        timeout = EXCLUSIVE_TIMEOUT if exclusive else self._timeout
        async with self._turn(timeout):
            # It may take minutes. Finished even if this caller is cancelled: others wait for it.
            await asyncio.shield(self._run_waiting())
            transaction = _Transaction(self._writer, timeout)
            try:
                await transaction.execute("BEGIN IMMEDIATE")
                yield transaction
                await transaction.execute("COMMIT")
                self._checkpoints.committed()
            finally:
                transaction.roll_back()  # does nothing after a commit
        self._tell(transaction.told)

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

    async def check_writable(self) -> None:
        """See `Database`."""
        await self.perform(statement(WRITE_PROBE), durable=False)
        await self._writer.wait(
            self._writer.submit(lambda _connection: self._spare.check()), self._timeout
        )

    async def close(self) -> None:
        """See `Database`."""
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=self._timeout)
        await self._checkpoints.close()
        await self._reader.close()
        await self._writer.close()

    async def _serve(self) -> None:
        """Run the transactions that wait, as long as there are some."""
        while self._calls:
            async with self._writing:
                await self._run_waiting()

    async def _run_waiting(self) -> None:
        """Run the transactions that wait. Call it with the turn."""
        calls, self._calls = self._calls, []
        if not calls:
            return
        try:
            await self._writer.wait(self._writer.submit(partial(self._run_batch, calls)))
        except Exception as error:  # noqa: BLE001  (raised by each call)
            for call in calls:
                call.error, call.told = error, []
        self._checkpoints.committed()
        for call in calls:
            call.settle()
        self._tell(text for call in calls for text in call.told)

    def _run_batch(self, calls: Sequence[Call[Any]], connection: sqlite3.Connection) -> None:
        self._spare.adjust()
        run_batch(connection, calls)

    def _tell(self, texts: Iterable[str]) -> None:
        for text in texts:
            for heard in tuple(self._listeners):
                heard(text)

    @asynccontextmanager
    async def _turn(self, timeout: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout):
                await self._writing.acquire()
        except TimeoutError as error:
            raise _locked(timeout) from error
        try:
            yield
        finally:
            self._writing.release()


def _locked(timeout: float) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"database: locked for {timeout:g} s")


class _Transaction:
    """A transaction whose statements wait for each other in the event loop."""

    def __init__(self, writer: SqliteThread, timeout: float) -> None:
        self._writer = writer
        self._timeout = timeout
        self.told: list[str] = []

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        run = partial(execute, sql=sql, values=values)
        return await self._writer.wait(self._writer.submit(run), self._timeout)

    async def tell(self, text: str) -> None:
        self.told.append(text)

    def roll_back(self) -> None:
        # Nothing waits for it: it runs before the next statement of any other transaction.
        with suppress(DatabaseUnavailable):  # closed, which rolls back
            self._writer.submit(lambda connection: connection.rollback())
