"""`104 Upload Resumption Supported`: responses that are sent while a request is received.

aiohttp has no call for interim responses but `100 Continue`, which it writes to the connection
before it calls the handler. These are written the same way: to the transport, as whole messages,
before any byte of the final response. That is sound because aiohttp answers the requests of a
connection one after the other, and `interim` sends nothing after its context is left.

nginx takes the first interim response for the final one, and waits for its body. A proxy is taken
for such a one if it tells the address of the client and does not name itself in `Via`: those that
conform to RFC 9110 have to do that (7.6.3) as well as to pass these responses on (15.2).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11

from gateway.protocols.ietf.headers import VERSION, VERSION_FIELD
from shared.errors import CsvmillError
from shared.http.forwarded import NOT_ONLY_VIA

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping

    from aiohttp import web

    from shared.blobs.socket_part import Piece

PROGRESS_INTERVAL = 2.0
"""Seconds between two requests to storage for the recorded offset."""
_STATUS_LINE = "HTTP/1.1 104 Upload Resumption Supported"


class Interim:
    """Sends interim responses to one request."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._open = request.version >= HttpVersion11 and _are_passed_on(request)  # RFC 9110, 15.2

    def send(self, fields: Mapping[str, str]) -> None:
        """Send a response with these fields, unless the client cannot or does not read it."""
        transport = self._request.transport
        if not self._open or transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            return  # the client does not read: nothing may pile up
        named = {VERSION_FIELD: str(VERSION), **fields}
        lines = [_STATUS_LINE, *(f"{name}: {value}" for name, value in named.items()), "", ""]
        transport.write("\r\n".join(lines).encode("ascii"))

    def close(self) -> None:
        """Send nothing from now on."""
        self._open = False

    async def progress(
        self, data: AsyncGenerator[Piece, None], recorded: Callable[[], Awaitable[int]]
    ) -> AsyncGenerator[Piece, None]:
        """Yield `data` and close it; meanwhile send the offset that `recorded` returns.

        The offset is a promise that nothing before it has to be sent again: it is what storage has
        recorded, and not what has passed here. `recorded` is called in a task of its own, so the
        data never waits for it.
        """
        passed = asyncio.Event()
        reporting = asyncio.create_task(self._report(recorded, passed))
        try:
            async with aclosing(data):
                async for piece in data:
                    yield piece
                    passed.set()
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
        if not reporting.cancelled():
            reporting.result()  # it ends by itself only with an unexpected error

    async def _report(self, recorded: Callable[[], Awaitable[int]], passed: asyncio.Event) -> None:
        """Send the recorded offset at intervals, as long as data passes."""
        latest = 0
        while True:
            await passed.wait()
            passed.clear()
            await asyncio.sleep(PROGRESS_INTERVAL)
            try:
                offset = await recorded()
            except CsvmillError:
                continue  # the append meets the same error, and reports it
            if offset > latest:
                latest = offset
                self.send({"Upload-Offset": str(latest)})


def _are_passed_on(request: web.Request) -> bool:
    headers = request.headers
    return "Via" in headers or not any(field in headers for field in NOT_ONLY_VIA)


@contextmanager
def interim(request: web.Request) -> Iterator[Interim]:
    """Yield interim responses to a request; the context ends them."""
    responses = Interim(request)
    try:
        yield responses
    finally:
        responses.close()
