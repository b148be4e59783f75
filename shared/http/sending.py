"""Sends a content to a client, watched and counted, and never cut short in silence."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from shared.errors import CsvmillError
from shared.http.sendfile import FilePart, send_part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp import web

logger = logging.getLogger(__name__)

_WRITE_BUFFER = 4 << 20
"""Bytes that wait for the client's socket at the most, so that reading and sending overlap."""


async def stream(
    request: web.Request,
    response: web.StreamResponse,
    first: bytes | FilePart,
    rest: AsyncIterator[bytes | FilePart],
    *,
    name: str,
    client_timeout: float | None,
    sent: Callable[[int], None],
) -> None:
    """Send the headers of `response`, `first` and the rest.

    What `rest` raises breaks the connection and is logged, with the `name` of what was sent. So
    does a client that takes nothing for `client_timeout` seconds (None is for ever). `sent` is
    told at the end how many bytes of content went out, however it ended.
    """
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
            await send_part(request, piece, client_timeout=client_timeout, taken=count)
        else:
            await response.write(piece)
            count(len(piece))

    watchdog = asyncio.create_task(_cut_off_if_stalled(request, transport, client_timeout))
    try:
        await write(first)
        async for piece in rest:
            await write(piece)
        await response.write_eof()
    except ConnectionError as error:
        # It may be known from the socket, before the transport has seen it.
        transport.abort()
        logger.debug("%s: the client left in mid-download: %s", name, error)
    except CsvmillError as error:
        transport.abort()
        logger.error("%s: the download was broken off: %s", name, error)  # noqa: TRY400
    except Exception:
        transport.abort()
        logger.exception("%s: the download was broken off", name)
    finally:
        watchdog.cancel()
        sent(total)


async def _cut_off_if_stalled(
    request: web.Request, transport: asyncio.WriteTransport, client_timeout: float | None
) -> None:
    """Break a connection on which bytes wait and the client takes none."""
    taken = -1
    while client_timeout is not None:
        await asyncio.sleep(client_timeout)
        waiting = transport.get_write_buffer_size()
        before, taken = taken, request.writer.output_size - waiting
        if waiting and taken == before:
            logger.debug("%s: the client takes nothing", request.path)
            transport.abort()
            return
