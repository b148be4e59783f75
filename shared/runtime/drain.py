"""Drains a server: lets the requests in progress finish before a shutdown.

aiohttp waits for handlers too, but discards what clients still send: an upload in progress would
hang until the timeout, and then fail.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware

ON_SHUTDOWN_STARTED: web.AppKey[list[Callable[[], None]]] = web.AppKey("on_leaving", list)
"""Functions that end long-lived responses. Called when the shutdown starts, before the drain."""


class Drain:
    """Counts the requests of an application that has its `middleware` as the outermost one."""

    def __init__(self) -> None:
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def middleware(self) -> Middleware:
        """Return a middleware that counts requests, and closes connections while draining."""

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
            if self._draining:
                response.force_close()
            return response

        return count

    async def finish(self, timeout: float, hurry: asyncio.Event | None = None) -> int:
        """Wait until all requests have finished; return how many have not.

        Waits up to `timeout` seconds, and no longer once `hurry` is set.
        """
        self._draining = True
        waits = [asyncio.ensure_future(self._idle.wait())]
        if hurry is not None:
            waits.append(asyncio.ensure_future(hurry.wait()))
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._running
