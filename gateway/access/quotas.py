"""What the tenants of requests may use, and whether an upload fits in."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from shared.access.limits import Limits, Usage
from shared.errors import DatabaseUnavailable, QuotaExceeded, TooManyJobs, TooManyUploads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from gateway.settings import GatewaySettings
    from shared.access.port import QuotaStore
    from shared.access.tenant import Tenant

LIMITS_FOR = 5.0
"""Seconds for which the limits of a tenant are remembered."""
USAGE_FOR = 1.0
"""Seconds for which the usage of a tenant is remembered, with what this gateway adds to it."""
READ_TIMEOUT = 1.0
"""Seconds that an upload waits for the database to say what its tenant may use."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def default_limits(settings: GatewaySettings) -> Limits:
    """Return what the settings say of all tenants."""
    return Limits(
        max_bytes=settings.tenant_max_bytes,
        max_uploads=settings.tenant_max_uploads,
        max_upload_size=settings.max_upload_size,
        max_waiting=settings.tenant_max_waiting,
        requests_per_second=settings.tenant_requests_per_second,
    )


@dataclass(slots=True)
class _Known:
    """What the database said about a tenant, and when (by the monotonic clock)."""

    limits: Limits
    read_at: float
    usage: Usage | None = None
    used_at: float = 0.0


class Quotas:
    """Knows the limits of tenants, and reserves what uploads may need.

    Without the database, uploads are accepted as ever: then no tenant is limited.
    """

    def __init__(
        self,
        store: QuotaStore,
        defaults: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._defaults = defaults
        self._clock = clock
        self._tenants: dict[Tenant, _Known] = {}
        self._reading: dict[Tenant, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Stop reading limits."""
        for task in tuple(self._reading.values()):
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def known_limits(self, tenant: Tenant) -> Limits:
        """Return the limits of a tenant as they are known now; they are read in the background."""
        known = self._tenants.get(tenant)
        if known is None or self._clock() - known.read_at >= LIMITS_FOR:
            self._read(tenant)
        return self._defaults if known is None else known.limits

    async def limits(self, tenant: Tenant) -> Limits:
        """Return the limits of a tenant, at most some seconds old if the database answers."""
        limits = self.known_limits(tenant)
        if tenant in self._tenants:
            return limits
        await asyncio.wait((self._read(tenant),), timeout=READ_TIMEOUT)
        known = self._tenants.get(tenant)
        return self._defaults if known is None else known.limits

    async def check(self, tenant: Tenant, size: int, *, job: bool = True) -> None:
        """Count a new upload of `size` bytes if there is room for it and its job, if it gets one.

        Raises TooManyJobs, QuotaExceeded.
        """
        limits = await self.limits(tenant)
        if limits.max_waiting is None and limits.max_bytes is None:
            return
        usage = await self._usage(tenant, limits)
        if job and limits.max_waiting is not None and usage.waiting >= limits.max_waiting:
            raise TooManyJobs(
                f"tenant {tenant} has {usage.waiting} waiting jobs, and may not have more; "
                "send the file once some have ended"
            )
        if limits.max_bytes is not None and usage.bytes + size > limits.max_bytes:
            raise _exceeded(tenant, usage.bytes, size, limits.max_bytes)
        known = self._tenants.get(tenant)
        if known is not None and known.usage is not None:
            known.usage = replace(usage, stored=usage.stored + size, waiting=usage.waiting + job)

    async def reserve(self, tenant: Tenant, upload_id: UUID, size: int) -> None:
        """Reserve `size` bytes for an upload in progress. Repeatable; the larger size counts.

        Raises TooManyUploads, QuotaExceeded.
        """
        limits = await self.limits(tenant)
        if limits.max_uploads is None and limits.max_bytes is None:
            return
        stored = 0
        if limits.max_bytes is not None:
            stored = (await self._usage(tenant, limits, fresh=True)).stored
        refusal = await self._answered(
            self._store.reserve(upload_id, tenant, size, limits, stored=stored, now=time.time()),
            None,
        )
        if refusal is None:
            return
        if refusal.limit == "max_uploads":
            raise TooManyUploads(
                f"tenant {tenant} has {refusal.used} uploads in progress, and may not have more; "
                "complete or cancel some"
            )
        raise _exceeded(tenant, refusal.used, size, limits.max_bytes or 0)

    async def left(self, tenant: Tenant) -> int | None:
        """Return how many more bytes a tenant may store; None for any number."""
        limits = await self.limits(tenant)
        if limits.max_bytes is None:
            return None
        return max(limits.max_bytes - (await self._usage(tenant, limits, fresh=True)).bytes, 0)

    async def release(self, upload_id: UUID) -> None:
        """Remove the reservation of an upload that was cancelled."""
        await self._answered(self._store.release(upload_id), None)

    async def _usage(self, tenant: Tenant, limits: Limits, *, fresh: bool = False) -> Usage:
        known = self._tenants.get(tenant)
        if (
            known is not None
            and known.usage is not None
            and not fresh
            and self._clock() - known.used_at < USAGE_FOR
        ):
            return known.usage
        usage = await self._answered(
            self._store.usage_of(tenant, most_waiting=limits.max_waiting or 1), Usage()
        )
        if known is not None:
            known.usage, known.used_at = usage, self._clock()
        return usage

    async def _answered(self, question: Awaitable[T], otherwise: T) -> T:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                return await question
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("quotas are not checked: %s", str(error) or "no answer in time")
            return otherwise

    def _read(self, tenant: Tenant) -> asyncio.Task[None]:
        reading = self._reading.get(tenant)
        if reading is None:
            reading = self._reading[tenant] = asyncio.create_task(self._read_limits(tenant))
            reading.add_done_callback(lambda _task: self._reading.pop(tenant, None))
        return reading

    async def _read_limits(self, tenant: Tenant) -> None:
        known = self._tenants.get(tenant)
        try:
            own = await self._store.limits_of(tenant)
        except DatabaseUnavailable as error:
            log.warning("tenant=%s: its limits are not known: %s", tenant, error)
            if known is not None:
                known.read_at = self._clock()
            return
        limits = own.over(self._defaults)
        if known is None:
            self._tenants[tenant] = _Known(limits, self._clock())
        else:
            known.limits, known.read_at = limits, self._clock()


QUOTAS = web.AppKey("quotas", Quotas)
"""The quotas of a gateway."""


def _exceeded(tenant: Tenant, used: int, size: int, limit: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"tenant {tenant} stores {used} bytes, incomplete uploads as large as they were declared; "
        f"with {size} more it exceeds its {limit} bytes"
    )
