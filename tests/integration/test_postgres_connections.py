"""Connections to PostgreSQL: fewer than the pool or the calls would take."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from yarl import URL

from shared.database import connect
from shared.database.connections import Connections, Pooler
from shared.database.postgres import PostgresDatabase
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def user_with_few_connections(url: str, most: int) -> AsyncIterator[str]:
    """The URL of a user who may have `most` connections."""
    name = f"few_{uuid4().hex[:8]}"
    operator = await connect(url)
    try:
        await operator.write(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {most}")
        try:
            yield str(URL(url).with_user(name).with_password(None))
        finally:
            await operator.write(f"DROP ROLE {name}")
    finally:
        await operator.close()


async def test_a_call_waits_while_the_server_has_as_many_connections_as_it_may(
    database_url: str,
) -> None:
    async with user_with_few_connections(database_url, 1) as url:
        other = await PostgresDatabase.connect(
            url, timeout=10.0, start_timeout=10.0, connections=Connections(pooler=Pooler.NONE)
        )
        database = PostgresDatabase(
            await asyncpg.create_pool(url, min_size=0, max_size=3), None, timeout=10.0
        )
        try:
            waiting_call = asyncio.create_task(database.read("SELECT 1 AS one"))
            await asyncio.sleep(0)
            async with other.transaction() as transaction:
                await transaction.execute("SELECT 1")
            assert not waiting_call.done()
            # When the other process closes its connection
            await other.close()
            assert await waiting_call == [{"one": 1}]
        finally:
            await database.close()
            await other.close()


async def test_a_call_that_gets_no_connection_in_time_says_why(database_url: str) -> None:
    async with user_with_few_connections(database_url, 1) as url:
        other = await connect(url, connections=Connections(pooler=Pooler.NONE))
        database = PostgresDatabase(
            await asyncpg.create_pool(url, min_size=0, max_size=3), None, timeout=1.0
        )
        try:
            with pytest.raises(DatabaseUnavailable, match="too many connections for role"):
                await database.read("SELECT 1")
        finally:
            await database.close()
            await other.close()


async def test_more_calls_than_the_pool_has_connections_wait_for_each_other(
    database_url: str,
) -> None:
    database = await connect(database_url, connections=Connections(size=2))
    seen = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    try:
        rows = await asyncio.gather(
            *(database.read(f"{seen} AND pg_sleep(0.01) IS NOT NULL") for _ in range(20))
        )
    finally:
        await database.close()
    assert max(row["n"] for (row,) in rows) <= 2
