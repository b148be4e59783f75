"""Limits the downloads in progress, in total and for each tenant."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import TooBusy, TooManyDownloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.access.tenant import Tenant


class Downloads:
    """The downloads that one gateway serves now."""

    def __init__(self, *, limit: int, tenant_limit: int) -> None:
        self._limit = limit
        self._tenant_limit = tenant_limit
        self._running: Counter[Tenant] = Counter()

    def __len__(self) -> int:
        return self._running.total()

    @contextmanager
    def one(self, tenant: Tenant) -> Iterator[None]:
        """Count a download while the context lasts.

        Raises TooManyDownloads if the tenant has no more, and TooBusy if the gateway has not.
        """
        if self._running[tenant] >= self._tenant_limit:
            raise TooManyDownloads(
                f"{self._tenant_limit} downloads are in progress, which is the limit for one "
                "tenant; finish one first"
            )
        if len(self) >= self._limit:
            raise TooBusy(
                f"this gateway is already serving {self._limit} downloads, which is its limit"
            )
        self._running[tenant] += 1
        try:
            yield
        finally:
            self._running[tenant] -= 1
            if not self._running[tenant]:
                del self._running[tenant]


DOWNLOADS = web.AppKey("downloads", Downloads)
