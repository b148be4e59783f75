"""Send the body of a response to a client that may be slow or leave, and never cut it silently."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.blobs.content import FilePart
from shared.errors import CsvmillError
from shared.http.sendfile import send_part

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aiohttp import web

logger = logging.getLogger(__name__)

_WRITE_BUFFER = 4 << 20
"""Bytes that may wait for the client's socket, so that reading and sending overlap."""


async def send_body(
    request: web.Request,
    response: web.StreamResponse,
    body: AsyncGenerator[bytes | FilePart, None],
    *,
    name: str,
    client_timeout: float | None,
    on_sent: Callable[[int], None] = lambda _size: None,
) -> None:
    """Send the header of `response` and then `body`, which is closed at the end.

    An error of `body` before its first piece is raised, so that it can be answered with a status.
    A later one breaks the connection and is logged with `name`. A client that takes no byte for
    `client_timeout` seconds (None: no limit) is disconnected. `on_sent` is called at the end with
    the number of body bytes sent, even if the transfer failed.
    """
    async with aclosing(body):
        first = await anext(body, b"")
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        total = 0

        def count(size: int) -> None:
            nonlocal total
            total += size

        async def write(piece: bytes | FilePart) -> None:
            if isinstance(piece, FilePart):
                await send_part(request, piece, client_timeout=client_timeout, on_sent=count)
            else:
                await response.write(piece)
                count(len(piece))

        watchdog = asyncio.create_task(_abort_if_stalled(request, transport, client_timeout))
        try:
            await write(first)
            async for piece in body:
                await write(piece)
            await response.write_eof()
        except ConnectionError as error:
            # The socket may report it before the transport notices.
            transport.abort()
            logger.debug("%s: the client disconnected during the download: %s", name, error)
        except CsvmillError as error:
            transport.abort()
            logger.error("%s: the download was aborted: %s", name, error)  # noqa: TRY400
        except Exception:
            transport.abort()
            logger.exception("%s: the download was aborted", name)
        finally:
            watchdog.cancel()
            on_sent(total)


async def _abort_if_stalled(
    request: web.Request, transport: asyncio.WriteTransport, client_timeout: float | None
) -> None:
    """Abort the connection when bytes wait and the client took none for `client_timeout` seconds.

    Sendfile is not covered: `shared.http.sendfile` has its own limit.
    """
    taken = -1
    while client_timeout is not None:
        await asyncio.sleep(client_timeout)
        waiting = transport.get_write_buffer_size()
        before, taken = taken, request.writer.output_size - waiting
        if waiting and taken == before:
            logger.debug("%s: the client stopped reading", request.path)
            transport.abort()
            return
