"""`python -m gateway`: the gateway as a service, set up by `CSVMILL_...` variables."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from gateway.app import build_app
from gateway.settings import GatewayProcessSettings
from shared.blobs.connection import SMALL_READ_BUFFER
from shared.blobs.servers.open import open_blobs
from shared.bus.rabbitmq.bus import RabbitBus
from shared.jobs.store import open_job_store
from shared.ports import Ports
from shared.runtime.service import run_service, settings_or_exit
from shared.telemetry.logs import configure_logging
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


@asynccontextmanager
async def gateway(settings: GatewayProcessSettings) -> AsyncIterator[web.Application]:
    """The gateway over its production adapters, open while the context is."""
    metrics = Metrics("gateway")
    async with AsyncExitStack() as stack:
        jobs = await stack.enter_async_context(
            open_job_store(
                settings.database_url.get_secret_value(), connections=settings.connections
            )
        )
        blobs = await stack.enter_async_context(
            open_blobs(settings, jobs.places, metrics, read_buffer=SMALL_READ_BUFFER)
        )
        bus = await stack.enter_async_context(RabbitBus(settings.broker_url.get_secret_value()))
        yield build_app(settings, Ports(blobs, jobs, bus), metrics)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = settings_or_exit(GatewayProcessSettings, "gateway")
    configure_logging(settings, "gateway")
    run_service(
        lambda: gateway(settings),
        name="gateway",
        host=settings.host,
        port=settings.port,
        shutdown_timeout=settings.shutdown_timeout,
        limits=settings.connection_limits,
    )


if __name__ == "__main__":
    main()
