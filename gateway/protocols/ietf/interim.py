"""`104 Upload Resumption Supported`: answers that go out while a request still comes in.

aiohttp has no call for interim responses but `100 Continue`, which it writes to the connection
before it calls the handler. These are written the same way: to the transport, as whole messages,
before anything of the final response is. That is sound as aiohttp answers the requests of a
connection one after the other, and as `interim` lets nothing out any more once it is left.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11

from gateway.protocols.ietf.headers import VERSION, VERSION_FIELD
from shared.errors import CsvmillError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from aiohttp import web

    from shared.blobs.blob import BlobKey
    from shared.ports import Blobs

PROGRESS_INTERVAL = 2.0
"""Seconds between two looks at how much has been recorded."""
_STATUS_LINE = "HTTP/1.1 104 Upload Resumption Supported"


class Interim:
    """Sends interim responses to one request."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._open = request.version >= HttpVersion11  # RFC 9110, 15.2

    def send(self, fields: Mapping[str, str]) -> None:
        """Send one with these fields, unless nobody could or would read it."""
        transport = self._request.transport
        if not self._open or transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            return  # a client that does not read: nothing may pile up for it
        named = {VERSION_FIELD: str(VERSION), **fields}
        lines = [_STATUS_LINE, *(f"{name}: {value}" for name, value in named.items()), "", ""]
        transport.write("\r\n".join(lines).encode("ascii"))

    def close(self) -> None:
        """From now on nothing is sent."""
        self._open = False

    async def progress(
        self, data: AsyncGenerator[bytes, None], blobs: Blobs, key: BlobKey
    ) -> AsyncGenerator[bytes, None]:
        """`data`, which is closed then; meanwhile tells how far the blob has come.

        The offset is a promise that nothing before it has to be sent again: it is what storage has
        recorded, and not what has passed by. It is asked for beside: the data never waits for it.
        """
        passed = asyncio.Event()
        telling = asyncio.create_task(self._tell(blobs, key, passed))
        try:
            async with aclosing(data):
                async for piece in data:
                    yield piece
                    passed.set()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        if not telling.cancelled():
            telling.result()  # it ends by itself only if something unforeseen has happened

    async def _tell(self, blobs: Blobs, key: BlobKey, passed: asyncio.Event) -> None:
        """Look now and then how much is recorded, as long as data passes."""
        told = 0
        while True:
            await passed.wait()
            passed.clear()
            await asyncio.sleep(PROGRESS_INTERVAL)
            recorded = await _recorded(blobs, key)
            if recorded > told:
                told = recorded
                self.send({"Upload-Offset": str(told)})


@contextmanager
def interim(request: web.Request) -> Iterator[Interim]:
    """Interim responses to a request, until the context is left."""
    sending = Interim(request)
    try:
        yield sending
    finally:
        sending.close()


async def _recorded(blobs: Blobs, key: BlobKey) -> int:
    try:
        return (await blobs.info(key)).prefix
    except CsvmillError:
        return 0  # whatever is wrong there, the append meets it too, and says so
