"""SQL databases: a small port with adapters for PostgreSQL and SQLite, and the migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.database.connections import Connections

if TYPE_CHECKING:
    from shared.database.port import Database


async def connect(
    url: str,
    *,
    timeout: float = 5.0,
    start_timeout: float | None = 30.0,
    connections: Connections = Connections(),  # noqa: B008 - it is frozen
) -> Database:
    """Open the database at `url`; wait for it if it is not available yet.

    `postgresql://user:password@host:port/name`, or `sqlite:///` followed by a path: relative as
    in `sqlite:///jobs.db`, absolute as in `sqlite:////var/lib/csvmill/jobs.db`, taken verbatim
    (no percent-decoding). A missing file is created, a missing folder is not.

    `timeout`: seconds that one call may take, or one statement of a transaction.
    `start_timeout`: seconds to wait for a server that is not available; None means no limit,
    unless it refuses the user, the database name or a parameter of the URL for 30 s. Raises
    DatabaseUnavailable after that time, and ValueError for another kind of URL. `connections` are
    those to PostgreSQL. The caller closes the database.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        from shared.database.postgres import PostgresDatabase

        return await PostgresDatabase.connect(
            url, timeout=timeout, start_timeout=start_timeout, connections=connections
        )
    if separator and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from shared.database.sqlite import SqliteDatabase

        return await SqliteDatabase.connect(
            rest.removeprefix("/"), timeout=timeout, start_timeout=start_timeout
        )
    # Without the URL, which may contain a password.
    raise ValueError(f"a database URL starts with postgresql:// or sqlite:///, not {scheme!r}")
