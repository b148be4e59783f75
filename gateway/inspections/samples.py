"""Limits the samples of files that a gateway holds in memory, in total and for each tenant."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import TooBusy, TooManyInspections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.access.tenant import Tenant

MOST = 64
"""Samples of all tenants, each of up to 1 MiB."""
MOST_OF_TENANT = 16


class Samples:
    """The samples that clients send now, or that wait for their inspection."""

    def __init__(self, *, limit: int = MOST, tenant_limit: int = MOST_OF_TENANT) -> None:
        self._limit = limit
        self._tenant_limit = tenant_limit
        self._held: Counter[Tenant] = Counter()

    def __len__(self) -> int:
        return self._held.total()

    @contextmanager
    def one(self, tenant: Tenant) -> Iterator[None]:
        """Count a sample while the context lasts.

        Raises TooManyInspections if the tenant may have no more, and TooBusy if the gateway can
        hold no more.
        """
        if self._held[tenant] >= self._tenant_limit:
            raise TooManyInspections(
                f"{self._tenant_limit} files are being inspected, which is the limit for one "
                "tenant; wait until one has finished"
            )
        if len(self) >= self._limit:
            raise TooBusy(
                f"this gateway is already inspecting {self._limit} files, which is its limit"
            )
        self._held[tenant] += 1
        try:
            yield
        finally:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]


SAMPLES = web.AppKey("samples", Samples)
