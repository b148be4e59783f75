"""A connection that is lost at the end of a body fails the request, and nothing else."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import aiohttp
import pytest

from shared.blobs.client_request import ClientRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.connector import Connection


class _Observed(ClientRequest):
    """Shows the connection that is being written to."""

    connection: Connection

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        type(self).connection = conn
        await super().write_bytes(writer, conn, content_length)


async def _answer_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _body_that_outlives_its_connection() -> AsyncIterator[bytes]:
    yield b"all of it"
    transport = _Observed.connection.transport
    assert transport is not None
    transport.abort()


async def test_a_connection_lost_at_the_end_of_a_body_fails_the_request_alone() -> None:
    # Given a loop that collects what nobody retrieves
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))
    server = await asyncio.start_server(_answer_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession(request_class=_Observed) as session:
        # When the connection is lost after the last byte, before the end of the chunked coding
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(
                f"http://127.0.0.1:{port}/", data=_body_that_outlives_its_connection()
            )
    # Then the request has failed, and no task has failed besides
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
