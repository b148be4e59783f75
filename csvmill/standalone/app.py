"""Gateway, storage and processor in one process, over SQLite and a folder.

Only `csvmill.standalone` imports all three services.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from gateway import app as gateway
from processor import app as processor
from shared.bus.in_process import InProcessBus
from shared.jobs.metrics import JobMetrics
from shared.jobs.store import open_job_store
from shared.ports import Ports
from shared.runtime.files import make_private
from shared.runtime.service import run_service
from shared.telemetry.logs import configure_logging
from shared.telemetry.metrics import Metrics
from storage.backends import open_blobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from csvmill.standalone.settings import StandaloneSettings


@asynccontextmanager
async def standalone(settings: StandaloneSettings) -> AsyncIterator[web.Application]:
    """Yield the gateway's application, over embedded adapters, with a processor in its lifespan.

    Raises StorageUnavailable if another process owns the data folder.
    """
    settings = settings.in_data_dir()
    metrics = Metrics("standalone")
    async with AsyncExitStack() as stack:
        blobs = await stack.enter_async_context(
            open_blobs(settings, settings.data_dir / "blobs", metrics)
        )
        make_private(settings.data_dir)
        jobs = await stack.enter_async_context(
            open_job_store(
                f"sqlite:///{settings.data_dir / 'jobs.sqlite'}",
                attempt_lost=metrics.of(JobMetrics).attempt_lost,
            )
        )
        bus = await stack.enter_async_context(InProcessBus())
        ports = Ports(blobs, jobs, bus)
        token = settings.private_token
        app = gateway.build_app(
            settings,
            ports,
            metrics,
            private_token=None if token is None else token.get_secret_value(),
        )

        async def run_processor(_app: web.Application) -> AsyncIterator[None]:
            async with processor.processing(settings, ports, metrics):
                yield

        app.cleanup_ctx.append(run_processor)
        yield app


def serve(settings: StandaloneSettings) -> None:
    """Configure logging and serve until SIGTERM or SIGINT."""
    configure_logging(settings, "standalone")
    run_service(
        lambda: standalone(settings),
        name="standalone",
        host=settings.host,
        port=settings.port,
        shutdown_timeout=settings.shutdown_timeout,
        limits=settings.connection_limits,
    )
