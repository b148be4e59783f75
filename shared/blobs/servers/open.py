"""Opens the client of one storage server, or of several."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.blobs.client import HttpBlobs
from shared.blobs.connection import READ_BUFFER
from shared.blobs.servers.metrics import ServerMetrics
from shared.blobs.servers.routed import RoutedBlobs
from shared.blobs.servers.routing import Routing
from shared.blobs.servers.server import StorageServer
from shared.blobs.servers.watch import ServerWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.blobs.servers.place import Places
    from shared.blobs.servers.settings import StorageClientSettings
    from shared.telemetry.metrics import Metrics


@asynccontextmanager
async def open_blobs(
    settings: StorageClientSettings,
    places: Places,
    metrics: Metrics,
    *,
    local_root: Path | None = None,
    read_buffer: int = READ_BUFFER,
) -> AsyncIterator[HttpBlobs | RoutedBlobs]:
    """Open the blobs of the storage servers of `settings`. For one, `places` are not used.

    `local_root` is for one server only; for `read_buffer` see `HttpBlobs`.
    """
    token, urls = settings.storage_token.get_secret_value(), settings.storage_urls
    tls = settings.tls_of_client()
    if len(urls) == 1:
        async with HttpBlobs(
            urls[0], token, local_root=local_root, read_buffer=read_buffer, tls=tls
        ) as blobs:
            yield blobs
        return
    family = metrics.of(ServerMetrics)
    servers = [StorageServer(url, token, read_buffer=read_buffer, tls=tls) for url in urls]
    lost_after = settings.storage_lost_after
    async with ServerWatch(servers, lost_after, family) as watch:
        routing = Routing(watch, places, family, lost_after=lost_after)
        yield RoutedBlobs(watch, routing, places)
