"""Answers a request without reading its body."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp import StreamReader

LINGER = 1.0
"""Seconds for which a client may read the response, and stop sending, before the connection is
closed. A connection that is closed earlier is reset, and the client may lose the response
(RFC 9112, 9.6)."""
DISCARDED = 256 << 10
"""Bytes of the body that are taken from the connection, and dropped, in that time."""


async def close_unread(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send a response, and close the connection unless the request has no body.

    No more than `DISCARDED` bytes of the body are received, however fast the client sends.
    """
    if not request.body_exists or request.content.is_eof():
        return response
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    transport = request.transport
    if transport is None:
        return response
    if transport.can_write_eof():
        transport.write_eof()
    # The client may close the connection, break its body off, or send for ever.
    with suppress(ConnectionError, TimeoutError, web.RequestPayloadError):
        async with asyncio.timeout(LINGER):
            await _discard(request.content)
    transport.close()
    return response


async def _discard(content: StreamReader) -> None:
    dropped = 0
    while dropped < DISCARDED:
        piece = await content.readany()
        if not piece:
            return
        dropped += len(piece)
    await asyncio.Event().wait()  # what arrives now stays in the socket
