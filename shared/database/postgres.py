"""PostgreSQL, through an asyncpg pool that survives restarts of the server."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from shared.database.connections import Pooler
from shared.database.port import WRITE_PROBE, Tell
from shared.database.postgres_errors import (
    DRIVER_ERRORS,
    ConnectionBroken,
    connecting,
    described,
    is_refusal,
    translated_errors,
)
from shared.database.postgres_listener import CHANNEL, PostgresListener
from shared.database.postgres_pooler import is_behind_pooler
from shared.database.waiting import until_available
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from typing import TypeAlias

    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction as AsyncpgTransaction

    from shared.database.connections import Connections
    from shared.database.port import Heard, Row, Steps, Transaction, Value

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

PREPARED = 100
"""Statements that a connection keeps prepared."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds between two tries to connect to a server that has as many connections as it may."""
EXCLUSIVE_TIMEOUT = 600.0
"""Seconds for each statement of an exclusive transaction, including the wait for the lock."""
MIGRATION_LOCK = 0x6373766D696C6C
"""Key of the advisory lock that exclusive transactions take ("csvmill" in ASCII)."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class PostgresDatabase:
    """The `Database` on PostgreSQL."""

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        listener: PostgresListener | None,
        *,
        timeout: float,
    ) -> None:
        """Without a `listener`, nothing is heard."""
        self._pool = pool
        self._listener = listener
        self._timeout = timeout

    @classmethod
    async def connect(
        cls, url: str, *, timeout: float, start_timeout: float | None, connections: Connections
    ) -> PostgresDatabase:
        """See `shared.database.connect`."""
        pooled = connections.pooler is Pooler.TRANSACTION

        async def find_pooler() -> None:
            nonlocal pooled
            pooled = await is_behind_pooler(url, timeout)

        if connections.pooler is Pooler.AUTO:
            await until_available(find_pooler, timeout=start_timeout, is_refusal=is_refusal)
        if pooled:
            log.info(
                "a pooler is in front of the database: statements are not prepared for the next "
                "call, and ends of jobs are found by polling"
            )
        # No minimum size: asyncpg would restore it in the background while the server is
        # unavailable, where no caller sees the error.
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections.size,
            command_timeout=timeout,
            timeout=timeout,
            server_settings={"application_name": "csvmill"},
            connection_class=_Connection,
            statement_cache_size=0 if pooled else PREPARED,
        )
        listener = None if pooled else PostgresListener(url, timeout=timeout)
        database = cls(pool, listener, timeout=timeout)
        try:
            await until_available(database.ping, timeout=start_timeout, is_refusal=is_refusal)
        except BaseException:
            pool.terminate()
            raise
        return database

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database`."""
        async with self._limit():
            return await self._twice(lambda: self._run(sql, values))

    async def write(
        self, sql: str, *values: Value, idempotent: bool = False, durable: bool = True
    ) -> Sequence[Row]:
        """See `Database`."""
        del durable
        async with self._limit():
            if idempotent:
                return await self._twice(lambda: self._run(sql, values))
            return await self._run(sql, values)

    async def perform(self, steps: Steps[T], *, durable: bool = True) -> T:
        """See `Database`."""
        del durable
        with closing(steps):
            async with self.transaction() as transaction:
                rows: Sequence[Row] = ()
                try:
                    step = next(steps)
                    while True:
                        if isinstance(step, Tell):
                            await transaction.tell(step.text)
                            rows = ()
                        else:
                            rows = await transaction.execute(step.sql, *step.values)
                        step = steps.send(rows)
                except StopIteration as end:
                    result: T = end.value
        return result

    @asynccontextmanager
    async def transaction(self, *, exclusive: bool = False) -> AsyncIterator[Transaction]:
        """See `Database`."""
        timeout = EXCLUSIVE_TIMEOUT if exclusive else self._timeout
        # Before BEGIN nothing is done, so it can be repeated on another connection.
        async with self._limit():
            connection, transaction = await self._twice(self._begin)
        try:
            statements = _Statements(connection, timeout)
            if exclusive:
                await statements.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            yield statements
            with translated_errors():
                await transaction.commit()
        except (DatabaseUnavailable, asyncio.CancelledError):
            _terminate(connection)  # the server rolls back what a connection leaves open
            raise
        except BaseException:
            await self._roll_back(connection, transaction)
            raise
        finally:
            await self._release(connection)

    @contextmanager
    def listen(self, heard: Heard) -> Iterator[None]:
        """See `Database`."""
        if self._listener is None:
            yield
            return
        self._listener.add(heard)
        try:
            yield
        finally:
            self._listener.remove(heard)

    async def ping(self) -> None:
        """See `Database`."""
        await self.read("SELECT 1")

    async def check_writable(self) -> None:
        """See `Database`."""
        await self.write(WRITE_PROBE, idempotent=True)

    async def close(self) -> None:
        """See `Database`."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._pool.close()
        except DRIVER_ERRORS as error:
            # The pool has dropped its connections then.
            log.info("connections to the database were dropped: %s", described(error))

    async def _run(self, sql: str, values: Sequence[Value]) -> Sequence[Row]:
        connection = await self._acquire()
        try:
            with translated_errors():
                return [dict(record) for record in await connection.fetch(sql, *values)]
        except (DatabaseUnavailable, asyncio.CancelledError):
            # The pool would wait again for a connection that does not answer.
            _terminate(connection)
            raise
        finally:
            await self._release(connection)

    async def _begin(self) -> tuple[Connection, AsyncpgTransaction]:
        connection = await self._acquire()
        try:
            transaction = connection.transaction()
            with translated_errors():
                await transaction.start()
        except BaseException:
            _terminate(connection)
            await self._release(connection)
            raise
        return connection, transaction

    async def _roll_back(self, connection: Connection, transaction: AsyncpgTransaction) -> None:
        try:
            await transaction.rollback()
        except DRIVER_ERRORS as error:
            # The server rolls back what a connection leaves open.
            log.info("a transaction was dropped: %s", described(error))
            _terminate(connection)

    async def _acquire(self) -> Connection:
        """Return a connection. Waits while the server has as many as it may: others are closed."""
        give_up = asyncio.get_running_loop().time() + self._timeout - LONGEST_PAUSE
        pause = FIRST_PAUSE
        while True:
            try:
                with connecting():
                    return await self._pool.acquire(timeout=self._timeout)
            except DatabaseUnavailable as error:
                full = isinstance(error.__cause__, asyncpg.TooManyConnectionsError)
                if not full or asyncio.get_running_loop().time() >= give_up:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _release(self, connection: Connection) -> None:
        released = asyncio.ensure_future(self._pool.release(connection, timeout=self._timeout))
        # It continues if the caller is cancelled; then nothing else handles its error.
        released.add_done_callback(_note_drop)
        with suppress(*DRIVER_ERRORS):
            await asyncio.shield(released)

    @asynccontextmanager
    async def _limit(self) -> AsyncIterator[None]:
        """Limit the time of one call, including the wait for a connection."""
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError as error:
            raise DatabaseUnavailable(f"database: no answer within {self._timeout:g} s") from error

    async def _twice(self, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await attempt()
        except ConnectionBroken:
            # A server that restarted has left every idle connection of the pool dead.
            await self._pool.expire_connections()
            return await attempt()


class _Connection(asyncpg.Connection):
    """A connection whose `close` does not raise: asyncpg calls it in tasks that are not awaited."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:
        try:
            await super().close(timeout=timeout)
        except DRIVER_ERRORS as error:
            # It is aborted then, which has the same effect.
            log.info("a connection to the database was dropped: %s", described(error))


class _Statements:
    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        with translated_errors():
            records = await self._connection.fetch(sql, *values, timeout=self._timeout)
        return [dict(record) for record in records]

    async def tell(self, text: str) -> None:
        await self.execute("SELECT pg_notify($1, $2)", CHANNEL, text)


def _terminate(connection: Connection) -> None:
    # Raised if the connection broke earlier and has left the pool already.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


def _note_drop(released: asyncio.Future[None]) -> None:
    # The pool has dropped the connection. That does not affect committed statements.
    if not released.cancelled() and (error := released.exception()):
        log.info("a connection to the database was dropped: %s", described(error))
