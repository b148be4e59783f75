"""The processor's composition root: what it is made of, and the health checks that it serves."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from processor.engines.duckdb import DuckDBEngine
from processor.engines.port import EngineLimits
from processor.job_run import JobRun
from processor.relay import Relay
from processor.scratch import Scratch
from processor.sweeper import Sweeper
from processor.worker import Worker
from shared.health import health_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from processor.settings import ProcessorSettings, WorkSettings
    from shared.ports import Blobs, Bus, JobStore


@dataclass(frozen=True, slots=True)
class Ports:
    """What a processor needs of the outside world, opened by the caller."""

    blobs: Blobs
    jobs: JobStore
    bus: Bus


@asynccontextmanager
async def processing(settings: WorkSettings, ports: Ports) -> AsyncIterator[None]:
    """Take wake-ups and run jobs until the context is left, which hands back what runs."""
    scratch = await asyncio.to_thread(Scratch, settings.scratch_dir)
    limits = EngineLimits(
        memory=settings.memory_limit,
        threads=settings.threads or os.cpu_count() or 1,
        time_limit=settings.time_limit,
    )
    worker = Worker(
        ports.jobs,
        ports.bus,
        JobRun(ports.blobs, DuckDBEngine(limits), scratch),
        settings,
        name=f"{socket.gethostname()}:{os.getpid()}",
        clock=time.time,
    )
    relay = Relay(
        ports.jobs,
        ports.bus,
        interval=settings.relay_interval,
        lost_after=settings.wake_up_lost_after,
        clock=time.time,
    )
    sweeper = Sweeper(
        ports.jobs,
        ports.blobs,
        upload_ttl=settings.upload_ttl,
        result_ttl=settings.result_ttl,
        interval=settings.sweep_interval,
        grace=settings.sweep_grace,
        clock=time.time,
    )
    background = [asyncio.create_task(sideline.run()) for sideline in (relay, sweeper)]
    try:
        async with ports.bus.consume(worker.handle, prefetch=settings.concurrency):
            try:
                yield
            finally:
                await worker.stop()
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await asyncio.to_thread(scratch.close)


def build_app(settings: ProcessorSettings, ports: Ports) -> web.Application:
    """An application that processes jobs while it runs; its only routes are the health checks."""

    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with processing(settings, ports):
            yield

    app = web.Application()
    app.add_routes(
        health_routes(
            {
                "storage": ports.blobs.ping,
                "database": ports.jobs.ping,
                "broker": ports.bus.ping,
            }
        )
    )
    app.cleanup_ctx.append(run)
    return app
