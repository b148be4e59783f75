"""Limits how much expensive work a gateway does at a time, in total and for each tenant."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.access.tenant import Tenant


class TenantTurns:
    """Lets tenants do some work in turn.

    Requests of a tenant wait for each other first, and only one of them, or some, for those of
    others. So a tenant waits for so many pieces of work of each other tenant, however many requests
    that sends.
    """

    def __init__(self, limit: int, *, of_tenant: int = 1) -> None:
        """`limit` is how many pieces of work are done at the same time, `of_tenant` of one."""
        self._slots = asyncio.Semaphore(limit)
        self._of_tenant = of_tenant
        self._running = 0
        self._tenants: WeakValueDictionary[Tenant, asyncio.Semaphore] = WeakValueDictionary()

    def __len__(self) -> int:
        """Return how many pieces of work are being done."""
        return self._running

    @asynccontextmanager
    async def one(self, tenant: Tenant, *, wait: float | None = None) -> AsyncIterator[None]:
        """Wait for a turn of a tenant, which lasts as long as the context.

        Raises TimeoutError if the turn has not come after `wait` seconds.
        """
        of_tenant = self._tenants.setdefault(tenant, asyncio.Semaphore(self._of_tenant))
        async with AsyncExitStack() as turn:
            async with asyncio.timeout(wait):
                await turn.enter_async_context(of_tenant)
                await turn.enter_async_context(self._slots)
            self._running += 1
            try:
                yield
            finally:
                self._running -= 1
