"""Lets requests in progress come to their end before a server is shut down.

aiohttp waits for handlers too, but throws away what their clients still send meanwhile: an upload
in progress would hang until its time is up, and then fail.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware

ON_SHUTDOWN_STARTED: web.AppKey[list[Callable[[], None]]] = web.AppKey("on_leaving", list)
"""What ends responses that would not end by themselves: called before they are waited for."""


class Drain:
    """Counts the requests of an application that has its `middleware` as the outermost one."""

    def __init__(self) -> None:
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaving = False

    @property
    def middleware(self) -> Middleware:
        """Counts, and has clients close their connections once the server is leaving."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._running += 1
            self._idle.clear()
            try:
                response = await handler(request)
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()
            if self._leaving:
                response.force_close()
            return response

        return count

    async def finish(self, timeout: float) -> int:
        """Wait until no request is in progress, `timeout` seconds at most; how many still are."""
        self._leaving = True
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            pass
        return self._running
