"""Answers a request without reading its body."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

if TYPE_CHECKING:
    from aiohttp import StreamReader

CONTINUE = "100-continue"
LINGER = 1.0
"""Seconds for which a client may read the response, and stop sending, before the connection is
closed. A connection that is closed earlier is reset, and the client may lose the response
(RFC 9112, 9.6)."""
DISCARDED = 256 << 10
"""Bytes of the body that are taken from the connection, and dropped, in that time."""


async def invite_later(request: web.Request) -> None:
    """The `expect_handler` of every route: `100 Continue` is sent by `invite_body`.

    Raises HTTPExpectationFailed for another expectation.
    """
    expected = request.headers.get("Expect", "")
    if request.version >= HttpVersion11 and expected.lower() != CONTINUE:
        raise web.HTTPExpectationFailed(text=f"Unknown Expect: {expected}")


async def invite_body(request: web.Request) -> None:
    """Send `100 Continue` to a client that waits for it, as nothing has refused its request."""
    expects = "Expect" in request.headers and request.version >= HttpVersion11
    if expects and request.match_info.http_exception is None:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The size of the response is counted from here.
        request.writer.output_size = 0


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
