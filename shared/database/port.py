"""The port to a database. Every adapter runs the same statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    Value = str | int | float | None
    Row = Mapping[str, Any]
    """Column name -> value."""
    Heard = Callable[[str], None]
T = TypeVar("T")

WRITE_PROBE = "UPDATE schema_migrations SET version = version WHERE 1 = 0"
"""A statement that changes nothing, and fails where nothing can be changed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and the values of its parameters."""

    sql: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Tell:
    """Tells the listeners a text once the transaction is committed. See `Database.listen`."""

    text: str


if TYPE_CHECKING:
    Steps = Generator[Statement | Tell, Sequence[Row], T]
    """A transaction: it yields statements, and gets their rows. See `Database.perform`."""


class Transaction(Protocol):
    """An open transaction."""

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run one statement and return its rows. Raises DatabaseUnavailable."""
        ...

    async def tell(self, text: str) -> None:
        """Tell the listeners `text` once the transaction is committed. See `Database.listen`."""
        ...


class Database(Protocol):
    """Runs SQL with `$1` parameters, durably and in bounded time.

    Every method raises DatabaseUnavailable when the database does not answer in time or the
    connection breaks; a write may have been committed then. The next call reconnects.
    """

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run one SELECT. Repeated once if the connection turns out to be dead."""
        ...

    async def write(
        self, sql: str, *values: Value, idempotent: bool = False, durable: bool = True
    ) -> Sequence[Row]:
        """Run one statement in a transaction of its own, and return its RETURNING rows.

        An `idempotent` one is repeated once if the connection turns out to be dead. `durable`: see
        `perform`.
        """
        ...

    async def perform(self, steps: Steps[T], *, durable: bool = True) -> T:
        """Run a transaction that yields its statements, and return its result.

        It is committed when the generator returns, and rolled back if it or a statement raises. If
        the caller is cancelled, it is committed or not. A commit that is not `durable` survives a
        crash of this process; if the machine with the database crashes right afterwards, it may be
        lost, but then later ones are lost as well. PostgreSQL makes every commit durable.

        The generator runs in any thread, and only once. It waits for nothing.
        """
        ...

    def transaction(self, *, exclusive: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Commit on leaving, roll back on an exception (cancellation too).

        Within it, wait for nothing but the statements: other transactions may wait for its end.
        `exclusive` transactions of all processes run one after the other, with timeouts of minutes:
        for migrations.
        """
        ...

    def listen(self, heard: Heard) -> AbstractContextManager[None]:
        """Call `heard` with each text that a committed transaction tells, within the context.

        Those of other processes too on PostgreSQL, and of this process only on SQLite. Not
        reliable: what is sent while the database is unavailable is lost. `heard` neither waits
        nor raises. Enter it in the event loop.
        """
        ...

    async def ping(self) -> None:
        """Return if the database is available."""
        ...

    async def check_writable(self) -> None:
        """Return if a migrated database takes writes: it is not read-only, and has space."""
        ...

    async def close(self) -> None:
        """Close every connection. Every later call raises DatabaseUnavailable."""
        ...
