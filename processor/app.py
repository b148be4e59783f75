"""The composition root of the processor, and its application for health checks and metrics."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from processor.attempt.answers import Answers, program_digest
from processor.attempt.measured_engine import MeasuredEngine
from processor.attempt.run import JobRun
from processor.attempt.scratch import Scratch
from processor.engines.confinement import require
from processor.engines.native import NativeEngine
from processor.engines.port import MIN_MEMORY, EngineLimits
from processor.events import ProcessorEvents
from processor.fetching.fetcher import Fetcher
from processor.head_start.follower import Follower
from processor.head_start.hand_over import HandOver
from processor.maintenance.orphan_recovery import OrphanRecovery
from processor.maintenance.periodic import run_periodically
from processor.maintenance.relay import Relay
from processor.maintenance.sweeper import Sweeper
from processor.metrics import ProcessorMetrics
from processor.notifications.dispatcher import SLOTS, Dispatcher
from processor.notifications.sender import Sender
from processor.sending.sender import ResultSender
from processor.slots import (
    MOST_DECOMPRESSED,
    NICE_OF_LARGE_JOBS,
    available_memory,
    small_slots,
)
from processor.worker import Worker
from shared.bus.counted import BusMetrics, CountedBus
from shared.runtime.health import health_routes
from shared.telemetry.http import instrument
from shared.telemetry.metrics import Metrics, show_metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from processor.settings import ProcessorSettings, WorkSettings
    from shared.ports import Ports


@asynccontextmanager
async def processing(settings: WorkSettings, ports: Ports, metrics: Metrics) -> AsyncIterator[None]:
    """Handle wake-ups and run the background tasks until the context is left.

    On leaving, running jobs are released to other processors. Raises AttemptFailed on a system that
    lacks what the settings require.
    """
    await asyncio.to_thread(require, settings.require_confinement)
    events = ProcessorEvents(metrics)
    ports = replace(ports, bus=CountedBus(ports.bus, metrics.of(BusMetrics)))
    scratch = await asyncio.to_thread(Scratch, settings.scratch_dir)
    name = f"{socket.gethostname()}:{os.getpid()}"
    engine = partial(NativeEngine, folders=scratch.reused_folder)
    follower = Follower(
        ports.jobs.head_starts,
        ports.blobs,
        engine(replace(_limits(settings), time_limit=None, min_rate=None)),
        scratch,
        settings,
        events=events,
        name=name,
    )
    run = await _job_run(settings, ports, engine, scratch, follower, metrics.of(ProcessorMetrics))
    worker = Worker(
        ports.jobs,
        ports.bus,
        run,
        settings,
        events=events,
        name=name,
        clock=time.time,
        slots=settings.concurrency,
        small_slots=_small_slots(settings),
    )
    hand_over = HandOver(ports, events, worker.handle_own, max_attempts=settings.max_attempts)
    tasks = (
        Fetcher(ports, events, settings, name=name).run(),
        ResultSender(ports, events, settings).run(),
        *_maintenance(settings, ports, events),
        *_head_starts(settings, follower, hand_over),
        *_notifications(settings, ports, events),
    )
    background = [asyncio.create_task(task) for task in tasks]
    try:
        async with (
            ports.bus.consume(worker.handle, prefetch=settings.concurrency),
            ports.bus.consume(worker.handle, prefetch=_small_slots(settings), small=True),
        ):
            try:
                yield
            finally:
                await worker.stop()
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await asyncio.to_thread(scratch.close)


async def _job_run(
    settings: WorkSettings,
    ports: Ports,
    engine: Callable[..., NativeEngine],
    scratch: Scratch,
    follower: Follower,
    metrics: ProcessorMetrics,
) -> JobRun:
    """Return what runs a claimed job, small or large."""
    limits = _limits(settings)
    large = engine(
        replace(limits, nice=NICE_OF_LARGE_JOBS), cluster=await asyncio.to_thread(settings.cluster)
    )
    return JobRun(
        ports.blobs,
        MeasuredEngine(large, "kernel", metrics),
        scratch,
        follower,
        small_engine=MeasuredEngine(engine(_small_limits(limits)), "kernel", metrics),
        answers=Answers(
            ports.jobs,
            ports.blobs,
            program=await asyncio.to_thread(program_digest),
            enabled=settings.cache,
        ),
    )


def _maintenance(
    settings: WorkSettings, ports: Ports, events: ProcessorEvents
) -> tuple[Coroutine[None, None, None], ...]:
    """Return the tasks that repair and clean up what jobs and uploads have left."""
    relay = Relay(
        ports.jobs,
        ports.bus,
        events=events,
        interval=settings.relay_interval,
        lost_after=settings.wake_up_lost_after,
        clock=time.time,
    )
    orphan_recovery = OrphanRecovery(
        ports,
        events,
        max_attempts=settings.max_attempts,
        interval=settings.orphan_recovery_interval,
        after=settings.orphan_recovery_after,
    )
    sweeper = Sweeper(
        ports.jobs,
        ports.blobs,
        events=events,
        upload_ttl=settings.upload_ttl,
        result_ttl=settings.result_ttl,
        interval=settings.sweep_interval,
        grace=settings.sweep_grace,
        clock=time.time,
        recover_orphans=orphan_recovery.recover,
    )
    return relay.run(), sweeper.run(), orphan_recovery.run()


def _head_starts(
    settings: WorkSettings, follower: Follower, hand_over: HandOver
) -> tuple[Coroutine[None, None, None], ...]:
    """Return the tasks that follow uploads, and remove old head starts."""
    removal = run_periodically(
        "removal of old head starts",
        follower.remove_old,
        interval=settings.sweep_interval,
        random_start=True,
    )
    return follower.run(hand_over), removal


def _notifications(
    settings: WorkSettings, ports: Ports, events: ProcessorEvents
) -> tuple[Coroutine[None, None, None], ...]:
    """Return the tasks that send notifications, and remove old ones."""
    dispatcher = _dispatcher(settings, ports, events)
    removal = run_periodically(
        "removal of old notifications",
        dispatcher.remove_old,
        interval=settings.sweep_interval,
        random_start=True,
    )
    return dispatcher.run(), removal


def _dispatcher(settings: WorkSettings, ports: Ports, events: ProcessorEvents) -> Dispatcher:
    timeout = settings.notify_timeout
    return Dispatcher(
        ports.jobs,
        Sender(settings.outgoing_policy(), timeout=timeout, connections=SLOTS),
        events,
        delays=settings.notify_delays,
        timeout=timeout,
        interval=settings.notify_interval,
        ttl=settings.notification_ttl,
        clock=time.time,
    )


def _limits(settings: WorkSettings) -> EngineLimits:
    return EngineLimits(
        memory=settings.memory_limit,
        scratch=settings.scratch_limit,
        rejects=settings.rejects_limit,
        threads=settings.threads or os.cpu_count() or 1,
        time_limit=settings.time_limit,
        min_rate=settings.min_rate or None,
        max_expansion=settings.max_expansion,
    )


def _small_limits(limits: EngineLimits) -> EngineLimits:
    memory = min(limits.memory, MIN_MEMORY)
    return replace(limits, memory=memory, threads=1, small=MOST_DECOMPRESSED)


def _small_slots(settings: WorkSettings) -> int:
    taken = (settings.concurrency + settings.head_starts) * settings.memory_limit
    return settings.small_jobs or small_slots(os.cpu_count() or 1, available_memory(), taken)


def build_app(
    settings: ProcessorSettings, ports: Ports, metrics: Metrics | None = None
) -> web.Application:
    """Return an application that processes jobs while it runs, and serves health and metrics.

    `metrics` are those of the process, if other parts of it have some too.
    """
    metrics = metrics or Metrics("processor")

    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with processing(settings, ports, metrics):
            yield

    app = web.Application()
    instrument(app, metrics)
    app.add_routes([web.get("/metrics", show_metrics, allow_head=False)])
    app.add_routes(
        health_routes(
            {
                "storage": ports.blobs.ping,
                "database": ports.jobs.check_writable,
                "broker": ports.bus.ping,
            }
        )
    )
    app.cleanup_ctx.append(run)
    return app
