"""Limits the results that are sorted at a time, in total and for each tenant."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.tenant_turns import TenantTurns
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
        self._turns = TenantTurns(limit)

    def __len__(self) -> int:
        return len(self._turns)

    @asynccontextmanager
    async def one(self, tenant: Tenant) -> AsyncIterator[None]:
        """Count a sort while the context lasts. Raises TooBusy if others take too long."""
        async with AsyncExitStack() as turn:
            try:
                await turn.enter_async_context(self._turns.one(tenant, wait=WAIT))
            except TimeoutError:
                raise TooBusy(
                    f"this gateway sorts at most {self._limit} results at a time, and one for each "
                    "tenant; try again later"
                ) from None
            yield


SORTS = web.AppKey("sorts", Sorts)
