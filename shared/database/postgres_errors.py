"""The errors of asyncpg: which mean that the server cannot serve, and how they are described."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg

from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What calls of asyncpg raise."""
_LOST_WHILE_CONNECTING = "unexpected connection_lost() call"
"""The text of asyncpg's ConnectionError if the server goes away during the login."""


class ConnectionBroken(DatabaseUnavailable):
    """The connection broke. A new one may work; the statement may have been committed."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what asyncpg raises when the server cannot serve into DatabaseUnavailable."""
    try:
        yield
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.InterfaceError,
        # asyncpg raises it on a connection that the server is closing at its shutdown.
        asyncpg.InternalClientError,
        ConnectionError,
    ) as error:
        if isinstance(error, ValueError):
            raise  # asyncpg cannot encode a value: a defect of the caller
        raise ConnectionBroken(f"database: {described(error)}") from error
    except (
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.ReadOnlySQLTransactionError,
        # Another process has migrated the schema, which invalidates prepared statements. asyncpg
        # prepares them again for the next call.
        asyncpg.InvalidCachedStatementError,
        # A pooler gave the connection of another client.
        asyncpg.DuplicatePreparedStatementError,
        asyncpg.InvalidSQLStatementNameError,
        TimeoutError,
        OSError,
    ) as error:
        raise DatabaseUnavailable(f"database: {described(error)}") from error


@contextmanager
def connecting() -> Iterator[None]:
    """As `translated_errors`, also for parameters in the URL that the server does not know."""
    try:
        with translated_errors():
            yield
    except (asyncpg.UndefinedObjectError, asyncpg.CantChangeRuntimeParamError) as error:
        raise DatabaseUnavailable(f"database: {described(error)}") from error


def is_refusal(error: DatabaseUnavailable) -> bool:
    """Whether the server answers but refuses the user, the database name or a parameter."""
    return isinstance(
        error.__cause__,
        (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.CantChangeRuntimeParamError,
            asyncpg.UndefinedObjectError,
            asyncpg.ProtocolViolationError,
        ),
    )


def described(error: BaseException) -> str:
    """Return what an error says, for logs and messages, with a remedy if there is a known one."""
    if isinstance(
        error, (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)
    ):
        return f"{error} (is there a pooler? CSVMILL_DATABASE_POOLER=transaction)"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if str(error) == _LOST_WHILE_CONNECTING:
        return "the connection was lost while it was opened"
    return str(error) or type(error).__name__
