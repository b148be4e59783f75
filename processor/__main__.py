"""`python -m processor`: the processor as a service, configured by `CSVMILL_...` variables."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from processor.app import build_app
from processor.settings import ProcessorSettings
from shared.blobs.servers.open import open_blobs
from shared.bus.rabbitmq.bus import RabbitBus
from shared.jobs.metrics import JobMetrics
from shared.jobs.store import open_job_store
from shared.ports import Ports
from shared.runtime.service import run_service, settings_or_exit
from shared.telemetry.logs import configure_logging
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


@asynccontextmanager
async def processor(settings: ProcessorSettings) -> AsyncIterator[web.Application]:
    """Open the production adapters, and yield the processor's application."""
    metrics = Metrics("processor")
    async with AsyncExitStack() as stack:
        jobs = await stack.enter_async_context(
            open_job_store(
                settings.database_url.get_secret_value(),
                attempt_lost=metrics.of(JobMetrics).attempt_lost,
                connections=settings.connections,
            )
        )
        blobs = await stack.enter_async_context(
            open_blobs(settings, jobs.places, metrics, local_root=settings.blob_dir)
        )
        bus = await stack.enter_async_context(RabbitBus(settings.broker_url.get_secret_value()))
        yield build_app(settings, Ports(blobs, jobs, bus), metrics)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = settings_or_exit(ProcessorSettings, "processor")
    configure_logging(settings, "processor")
    run_service(
        lambda: processor(settings),
        name="processor",
        host=settings.processor_host,
        port=settings.processor_port,
        shutdown_timeout=settings.shutdown_timeout,
    )


if __name__ == "__main__":
    main()
