"""What is asked of a database. The statements themselves are the same for every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    Value = str | int | float | None
    Row = Mapping[str, Any]
    """Column name -> value."""


class Transaction(Protocol):
    """An open transaction."""

    async def execute(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run one statement; the rows that it selects or returns. Raises DatabaseUnavailable."""
        ...


class Database(Protocol):
    """Runs SQL with `$1` parameters, durably and in bounded time.

    Any method raises DatabaseUnavailable when the database does not answer in time or the
    connection breaks; what was being written may then have been committed all the same. The
    next call connects anew.
    """

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """Run one SELECT. Tried a second time if the connection turns out to be dead."""
        ...

    async def write(self, sql: str, *values: Value, idempotent: bool = False) -> Sequence[Row]:
        """Run one statement in a transaction of its own; what its RETURNING yields.

        With `idempotent` (running it twice does the same as once) it is tried a second time if
        the connection turns out to be dead.
        """
        ...

    def transaction(self, *, exclusive: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Commit on leaving, roll back on an exception (cancellation too).

        `exclusive` transactions of all processes run one after the other, and are given minutes
        rather than seconds: for migrations.
        """
        ...

    async def ping(self) -> None:
        """Return if the database answers now."""
        ...

    async def close(self) -> None:
        """Close every connection. Every later call raises DatabaseUnavailable."""
        ...
