"""`python -m storage`: run the storage service, configured by `CSVMILL_...` variables."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.runtime.service import run_service, settings_or_exit
from shared.telemetry.logs import configure_logging
from shared.telemetry.metrics import Metrics
from storage.app import build_app
from storage.backends import open_blobs
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


@asynccontextmanager
async def storage(settings: StorageSettings) -> AsyncIterator[web.Application]:
    """The storage service, with its backend open while the context is."""
    metrics = Metrics("storage")
    async with open_blobs(settings, settings.data_dir, metrics) as blobs:
        yield build_app(settings, blobs, metrics)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = settings_or_exit(StorageSettings, "storage")
    configure_logging(settings, "storage")
    run_service(
        lambda: storage(settings),
        name="storage",
        host=settings.storage_host,
        port=settings.storage_port,
        shutdown_timeout=settings.shutdown_timeout,
        tls=settings.tls_of_server,
    )


if __name__ == "__main__":
    main()
