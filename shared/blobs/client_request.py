"""A request of a client whose connection may be lost while its body ends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.connector import Connection


class ClientRequest(aiohttp.ClientRequest):
    """Fails where its response is awaited, and nowhere else.

    aiohttp writes a body in a task of its own. If the connection is lost between the last byte of
    the body and its end, that task fails too, and asyncio logs an error that nobody has retrieved.
    Pass the class as `request_class` to a `ClientSession` that sends bodies of unknown size.
    """

    async def write_bytes(
        self,
        writer: AbstractStreamWriter,
        conn: Connection,
        content_length: int | None = None,
    ) -> None:
        """Send the body. The response fails if the connection is lost; see aiohttp."""
        with suppress(aiohttp.ClientConnectionResetError):
            await super().write_bytes(writer, conn, content_length)
