"""SQL databases: one small port, PostgreSQL and SQLite behind it, and the schema's migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.database.port import Database


async def connect(
    url: str, *, timeout: float = 5.0, start_timeout: float | None = 30.0
) -> Database:
    """Open the database at `url`, waiting for it to come up if need be.

    `postgresql://user:password@host:port/name`, or `sqlite:///` followed by a path: relative as
    in `sqlite:///jobs.db`, absolute as in `sqlite:////var/lib/csvmill/jobs.db`, taken verbatim
    (no percent-decoding). The file is created if it is missing, its folder is not.

    `timeout`: seconds that any one call may take, or any one statement of a transaction.
    `start_timeout`: seconds to wait for a server that does not answer yet; None is for as long as
    it takes, unless it refuses the user, or knows no such database, for 30 s. Raises
    DatabaseUnavailable when they have passed, and ValueError for a URL of another kind. The
    caller closes what it gets.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        from shared.database.postgres import PostgresDatabase

        return await PostgresDatabase.connect(url, timeout=timeout, start_timeout=start_timeout)
    if separator and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from shared.database.sqlite import SqliteDatabase

        return await SqliteDatabase.connect(
            rest.removeprefix("/"), timeout=timeout, start_timeout=start_timeout
        )
    # The URL itself may hold a password.
    raise ValueError(f"a database URL starts with postgresql:// or sqlite:///, not {scheme!r}")
