"""Counts the results that are being sorted, of which a gateway sorts only so many at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import TooBusy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.access.tenant import Tenant

WAIT = 10.0
"""Seconds for which a request waits until it is its turn."""


class Sorts:
    """The results that one gateway sorts now: at most `limit`, and one of each tenant."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: set[Tenant] = set()
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._running)

    @asynccontextmanager
    async def one(self, tenant: Tenant) -> AsyncIterator[None]:
        """Count a sort while the context lasts. Raises TooBusy if others take too long."""
        try:
            async with asyncio.timeout(WAIT), self._changed:
                await self._changed.wait_for(lambda: self._has_room(tenant))
                self._running.add(tenant)
        except TimeoutError:
            raise TooBusy(
                f"this gateway sorts {self._limit} results at the same time, and one of each "
                "tenant; try again later"
            ) from None
        try:
            yield
        finally:
            self._running.remove(tenant)
            async with self._changed:
                self._changed.notify_all()

    def _has_room(self, tenant: Tenant) -> bool:
        return len(self._running) < self._limit and tenant not in self._running


SORTS = web.AppKey("sorts", Sorts)
