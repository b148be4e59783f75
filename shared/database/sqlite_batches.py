"""Transactions of SQLite that run one after the other in its thread, and are committed together."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.database.sqlite_thread import execute
from shared.database.steps import run_steps
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from shared.database.port import Row, Statement, Steps

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Call(Generic[T]):
    """A transaction that a caller waits for."""

    steps: Steps[T]
    durable: bool
    outcome: asyncio.Future[T]
    told: list[str] = field(default_factory=list)
    result: T | None = None
    error: Exception | None = None

    def settle(self) -> None:
        """Give the caller the result or the error. It may have left."""
        if self.outcome.done():
            return
        if self.error is None:
            self.outcome.set_result(self.result)  # type: ignore[arg-type]
        else:
            self.outcome.set_exception(self.error)
            self.outcome.exception()  # mark as retrieved: the caller may have left


def run_batch(connection: sqlite3.Connection, calls: Sequence[Call[Any]]) -> None:
    """Run calls as one transaction of SQLite, each as a savepoint in it, and commit it.

    A call that fails is rolled back by itself. If the transaction as a whole fails, all do. Without
    a durable call, the commit is not synced: it survives a crash of the process, and a power cut
    only after the next durable commit.
    """
    durable = any(call.durable for call in calls)
    if not durable:
        connection.execute("PRAGMA synchronous = NORMAL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        for call in calls:
            _run(connection, call)
        commit(connection)
    except (sqlite3.Error, DatabaseUnavailable) as error:
        for call in calls:
            call.error, call.told = error, []
    finally:
        connection.rollback()  # does nothing after a commit
        if not durable:
            connection.execute("PRAGMA synchronous = FULL")


def _run(connection: sqlite3.Connection, call: Call[Any]) -> None:
    """Run a call. Raises DatabaseUnavailable if SQLite has rolled back the whole transaction."""

    def run(step: Statement) -> Sequence[Row]:
        return execute(connection, step.sql, step.values)

    connection.execute("SAVEPOINT call")
    try:
        call.result = run_steps(call.steps, run, call.told)
    except Exception as error:  # noqa: BLE001  (raised to the caller)
        call.error, call.told = error, []
    if not connection.in_transaction:  # as when a disk is full
        raise DatabaseUnavailable("database: the transaction was rolled back by SQLite")
    if call.error is not None:
        connection.execute("ROLLBACK TO call")
    connection.execute("RELEASE call")


def commit(connection: sqlite3.Connection) -> None:
    """Commit a batch."""
    connection.execute("COMMIT")
