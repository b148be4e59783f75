"""Everything in one process: gateway, storage and processor over SQLite and a folder.

The one module that may import all three services.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from gateway import app as gateway
from gateway.settings import GatewaySettings
from processor import app as processor
from processor.settings import WorkSettings
from shared.bus.in_process import InProcessBus
from shared.jobs.metrics import JobMetrics
from shared.jobs.store import open_job_store
from shared.ports import Ports
from shared.runtime.service import run_service
from shared.telemetry.logs import LogSettings, configure_logging
from shared.telemetry.metrics import Metrics
from storage.backends import open_blobs
from storage.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


class StandaloneSettings(GatewaySettings, WorkSettings, BackendSettings, LogSettings):
    """What can be set for the standalone service, as `CSVMILL_<NAME>` or on the command line."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free one."""
    data_dir: Path = Path("data")
    """Uploads, results, jobs and scratch; the service owns it alone."""
    shutdown_timeout: float = Field(default=30.0, ge=0)
    """Seconds that requests in progress get after SIGTERM."""

    def in_data_dir(self) -> StandaloneSettings:
        """With everything that was not set otherwise below `data_dir`."""
        folders = {"scratch_dir": "scratch", "spool_dir": "spool"}
        return self.model_copy(
            update={
                field: self.data_dir / name
                for field, name in folders.items()
                if field not in self.model_fields_set
            }
        )


@asynccontextmanager
async def standalone(settings: StandaloneSettings) -> AsyncIterator[web.Application]:
    """The gateway's application on embedded adapters, with a processor that runs beside it.

    Raises StorageUnavailable if another process owns the data folder.
    """
    settings = settings.in_data_dir()
    metrics = Metrics("standalone")
    async with AsyncExitStack() as stack:
        blobs = await stack.enter_async_context(
            open_blobs(settings, settings.data_dir / "blobs", metrics)
        )
        jobs = await stack.enter_async_context(
            open_job_store(
                f"sqlite:///{settings.data_dir / 'jobs.sqlite'}",
                attempt_lost=metrics.of(JobMetrics).attempt_lost,
            )
        )
        bus = await stack.enter_async_context(InProcessBus())
        ports = Ports(blobs, jobs, bus)
        app = gateway.build_app(settings, ports, metrics)

        async def run_processor(_app: web.Application) -> AsyncIterator[None]:
            async with processor.processing(settings, ports, metrics):
                yield

        app.cleanup_ctx.append(run_processor)
        yield app


def serve(settings: StandaloneSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logging(settings, "standalone")
    run_service(
        lambda: standalone(settings),
        name="standalone",
        host=settings.host,
        port=settings.port,
        shutdown_timeout=settings.shutdown_timeout,
    )
