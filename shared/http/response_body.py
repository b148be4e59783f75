"""Send the body of a response to a client that may be slow or leave, and never cut it silently."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from shared.blobs.content import FilePart
from shared.errors import CsvmillError
from shared.http.sendfile import send_part
from shared.http.taking import Taking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from shared.http.least_rate import LeastRate

logger = logging.getLogger(__name__)

WRITE_BUFFER = 256 << 10
"""Bytes that may wait for the client's socket, so that reading and sending overlap."""
AT_ONCE = 32 << 10
"""Bytes of the largest body that is given to the connection together with the header, in one piece
of memory. Nothing waits for the client then, however slow it is."""


async def send_body(
    request: web.Request,
    response: web.StreamResponse,
    body: AsyncGenerator[bytes | FilePart, None],
    *,
    name: str,
    client_timeout: float | None,
    least_rate: LeastRate | None = None,
    on_sent: Callable[[int], None] = lambda _size: None,
) -> web.StreamResponse:
    """Send the header of `response` and then `body`, which is closed at the end.

    Returns the response that was sent, which for a short body is another one with the same header.
    An error of `body` before its first piece is raised, so that it can be answered with a status.
    A later one breaks the connection and is logged with `name`. A client that takes no byte for
    `client_timeout` seconds (None: no limit), or fewer than `least_rate` demands, is disconnected.
    `on_sent` is called at the end with the number of body bytes sent, even if the transfer failed.
    """
    async with aclosing(body):
        first = await anext(body, b"")
        if isinstance(first, bytes) and len(first) <= AT_ONCE and _is_whole(response, first):
            await anext(body, None)  # ends what the body has open
            on_sent(len(first))
            return web.Response(status=response.status, headers=response.headers, body=first)
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        taking = Taking(request, transport, client_timeout=client_timeout, least=least_rate)
        sending = _Sending(request, response, taking, client_timeout)
        try:
            with taking:
                await sending.write(first)
                del first  # which a slow client would cost besides the others
                async for piece in body:
                    await sending.write(piece)
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
            on_sent(sending.total)
    return response


class _Sending:
    """Writes the pieces of a body, and counts what was sent."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        taking: Taking,
        client_timeout: float | None,
    ) -> None:
        self._request = request
        self._response = response
        self._taking = taking
        self._client_timeout = client_timeout
        self.total = 0
        """Bytes of the body that were sent."""

    async def write(self, piece: bytes | FilePart) -> None:
        if isinstance(piece, FilePart):
            await send_part(
                self._request,
                piece,
                client_timeout=self._client_timeout,
                on_sent=self._count_by_file,
            )
        else:
            await self._response.write(piece)
            self.total += len(piece)

    def _count_by_file(self, size: int) -> None:
        self.total += size
        self._taking.sent_by_file(size)


def _is_whole(response: web.StreamResponse, first: bytes) -> bool:
    return response.content_length == len(first) and not response.prepared
