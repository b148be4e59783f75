"""Sweepers run in every processor, beside each other and through outages."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from processor.app import processing
from processor.settings import WorkSettings
from shared.blobs.blob import BlobKey, upload_key
from shared.bus.in_process import InProcessBus
from shared.errors import DatabaseUnavailable
from shared.ports import Ports
from shared.telemetry.metrics import Metrics
from tests.unit.processor.maintenance.swept import HOUR, UPLOAD_TTL, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from shared.jobs.job import Job


async def test_a_sweeper_survives_outages(store: Store) -> None:
    errors = [DatabaseUnavailable("away"), RuntimeError("a defect")]
    key = upload_key(await store.upload())
    store.pass_time(UPLOAD_TTL + HOUR)
    swept = asyncio.Event()

    class Recovering:
        of_uploads = store.jobs.of_uploads
        datasets = store.jobs.datasets

        async def expire(self, **_: object) -> int:
            if errors:
                raise errors.pop(0)
            return 0

        async def get_many(self, _: object) -> dict[UUID, Job]:
            return {}

    class Noticing:
        walk = store.blobs.walk

        async def expire(self, key: BlobKey, **limits: Any) -> bool:
            removed = await store.blobs.expire(key, **limits)
            swept.set()
            return removed

    running = asyncio.create_task(store.sweeper(jobs=Recovering(), blobs=Noticing()).run())
    async with asyncio.timeout(20):
        await swept.wait()
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    assert key not in await store.kept()


@asynccontextmanager
async def a_processor(store: Store, **settings: Any) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(InProcessBus())
        given = WorkSettings(scratch_dir=store.root.parent / "scratch", **settings)
        ports = Ports(store.blobs, store.jobs, bus)
        await stack.enter_async_context(processing(given, ports, Metrics("processor")))
        yield


async def test_every_processor_sweeps_by_its_settings(store: Store) -> None:
    await store.upload(received=1)
    young = await store.upload(received=1)
    finished = await store.job()
    await store.succeed(finished, await store.attempt(finished))
    store.pass_time(5 * HOUR)
    await store.blobs.info(upload_key(young))
    store.now = time.time()

    # `finished` ended by the test's clock, which is decades ago.
    async with (
        a_processor(store, upload_ttl=4 * HOUR, result_ttl=HOUR, sweep_interval=0.02),
        asyncio.timeout(20),
    ):
        while await store.kept() != {upload_key(young)}:
            pass

    assert (await store.jobs.get(finished.id)).expired_at == pytest.approx(time.time(), abs=120)
