"""Finds out whether a pooler, such as PgBouncer, is in front of PostgreSQL."""

from __future__ import annotations

import asyncpg

from shared.database.postgres_errors import connecting


async def is_behind_pooler(url: str, timeout: float) -> bool:
    """Whether a pooler is in front of the server at `url`. Raises DatabaseUnavailable.

    A pooler tells each client the number of a process that does not exist, as it passes on what
    clients want to cancel.
    """
    with connecting():
        connection = await asyncpg.connect(
            url,
            timeout=timeout,
            command_timeout=timeout,
            statement_cache_size=0,
            server_settings={"application_name": "csvmill"},
        )
        try:
            process = await connection.fetchval("SELECT pg_backend_pid()")
            return bool(process != connection.get_server_pid())
        finally:
            connection.terminate()
