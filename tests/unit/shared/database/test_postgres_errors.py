"""Errors of asyncpg in the words of the service."""

from __future__ import annotations

import asyncio

import pytest

from shared.database.postgres_pooler import is_behind_pooler
from shared.errors import DatabaseUnavailable

SSL_REQUEST = 8
"""Bytes of the first message of a client."""


async def test_a_server_that_goes_away_during_the_login_is_unavailable() -> None:
    # Given a server that ends, so that the system closes its connections
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(SSL_REQUEST)
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        # When a service connects
        with pytest.raises(DatabaseUnavailable) as raised:
            await is_behind_pooler(f"postgresql://user:secret@127.0.0.1:{port}/csvmill", 5)
    # Then the error says so, without what asyncpg says of its own methods
    assert str(raised.value) == "database: the connection was lost while it was opened"
