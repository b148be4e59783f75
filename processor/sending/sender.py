"""Sends the results of jobs to object storage, once the jobs have succeeded.

As a fetch is: a row says what is to be sent, and which processor does so until when. A processor
that was killed loses it to another, which sends the whole result again: an object appears as a
whole, or not, and twice the same is no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from processor.fetching.fetcher import RELEASE_TIMEOUT, REMOVAL_INTERVAL, RENEWALS, backoff
from processor.fetching.object_file import check_installed, fault, open_bucket
from processor.fetching.remote import RemoteFailed, RemoteRefused
from shared.aggregation.formats import FORMATS
from shared.errors import (
    AddressRefused,
    BlobNotFound,
    DatabaseUnavailable,
    LeaseLost,
    StorageUnavailable,
    Unavailable,
)
from shared.http.elsewhere import check_target, read_place
from shared.jobs.delivery import DeliveryState
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from processor.events import ProcessorEvents
    from processor.settings import WorkSettings
    from shared.blobs.blob import BlobKey
    from shared.jobs.delivery import Delivery
    from shared.jobs.job import Job, JobResult
    from shared.ports import Ports

PART = 8 << 20
"""Bytes of a part of an object; a result that is not larger is sent at once."""
PARTS_AT_A_TIME = 2

log = logging.getLogger(__name__)


class ResultSender:
    """Takes deliveries that are due, one at a time, on any number of processors."""

    def __init__(self, ports: Ports, events: ProcessorEvents, settings: WorkSettings) -> None:
        self._ports = ports
        self._deliveries = ports.jobs.deliveries
        self._events = events
        self._settings = settings

    async def run(self) -> None:
        """Send until cancelled. Survives outages."""
        cleaned = time.monotonic()
        while True:
            taken = None
            try:
                taken = await self._take()
                if taken is None and time.monotonic() > cleaned + REMOVAL_INTERVAL:
                    cleaned = time.monotonic()
                    await self._deliveries.remove_old()
                if taken is not None:
                    with also_bound_ids(job_id=taken.job_id, tenant=taken.tenant):
                        await self._deliver(taken)
            except Unavailable as error:
                log.warning("results cannot be sent now: %s", error)
            except Exception:  # without the task, its work would stop unnoticed
                log.exception("sending results failed and continues")
            if taken is None:
                await asyncio.sleep(self._settings.pause_of_deliveries)

    async def _take(self) -> Delivery | None:
        now = time.time()
        return await self._deliveries.take(held_until=now + self._settings.lease, now=now)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._try(delivery)
        except LeaseLost:
            log.info("job=%s: its result is sent by another processor", delivery.job_id)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(delivery))
            raise

    async def _try(self, delivery: Delivery) -> None:
        try:
            await self._held(delivery)
        except RemoteRefused as error:
            await self._end(delivery, DeliveryState.FAILED, str(error))
        except (RemoteFailed, StorageUnavailable) as error:
            failures = delivery.failures + 1
            if failures >= self._settings.fetch_tries:
                await self._end(delivery, DeliveryState.FAILED, f"{error} (tried {failures} times)")
                return
            await self._deliveries.postpone(
                delivery,
                due_at=time.time() + backoff(failures),
                failures=failures,
                reason=str(error),
            )
            self._events.result_sent(delivery, "postponed", str(error))
        else:
            await self._end(delivery, DeliveryState.DELIVERED, None)

    async def _end(self, delivery: Delivery, state: DeliveryState, reason: str | None) -> None:
        await self._deliveries.end(delivery, state, reason, now=time.time())
        self._events.result_sent(delivery, state.lower(), reason or delivery.url)

    async def _held(self, delivery: Delivery) -> None:
        """Send the result while the delivery is held. Raises LeaseLost."""
        work = asyncio.create_task(self._send(delivery))
        holding = asyncio.create_task(self._hold(delivery))
        try:
            await asyncio.wait({work, holding}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                holding.result()
            await work
        finally:
            work.cancel()
            holding.cancel()
            await asyncio.gather(work, holding, return_exceptions=True)

    async def _hold(self, delivery: Delivery) -> None:
        lease = self._settings.lease
        while True:
            await asyncio.sleep(lease / RENEWALS)
            with suppress(DatabaseUnavailable):  # another may send it then, which is no harm
                await self._deliveries.renew(delivery, held_until=time.time() + lease)

    async def _send(self, delivery: Delivery) -> None:
        """Send a result. Raises RemoteRefused, RemoteFailed, StorageUnavailable."""
        job = await self._ports.jobs.get(delivery.job_id)
        if job.result is None or not job.has_kept_result:
            raise RemoteRefused("the result was deleted before it was sent")
        try:
            url = check_target(self._settings, delivery.url, delivery.tenant)
        except AddressRefused as error:
            raise RemoteRefused(str(error)) from error
        check_installed()
        place = read_place(url)
        store = open_bucket(place.bucket, self._settings)
        content = await self._whole(job.result)
        try:
            await store.put_async(
                place.key,
                self._pieces(job.result.key) if content is None else content,
                attributes={"Content-Type": _media_type(job)},
                chunk_size=PART,
                max_concurrency=PARTS_AT_A_TIME,
                use_multipart=content is None,
            )
            size = (await store.head_async(place.key))["size"]
        except (StorageUnavailable, RemoteRefused):
            raise
        except Exception as error:
            raise fault(error, place) from error
        if size != job.result.size:
            raise RemoteFailed(f"{place} has {size} bytes, and the result {job.result.size}")

    async def _whole(self, result: JobResult) -> bytes | None:
        """Return a result that is not larger than a part."""
        if result.size > PART:
            return None
        return b"".join([piece async for piece in self._pieces(result.key)])

    async def _pieces(self, key: BlobKey) -> AsyncIterator[bytes]:
        try:
            async with self._ports.blobs.open(key) as pieces:
                async for piece in pieces:
                    yield bytes(piece)
        except BlobNotFound as error:
            raise RemoteRefused("the result was deleted before it was sent") from error

    async def _give_back(self, delivery: Delivery) -> None:
        """Let another processor send it at once. If that fails, it does when the lease runs out."""
        with suppress(LeaseLost, Unavailable, TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._deliveries.postpone(
                    delivery, due_at=time.time(), failures=delivery.failures, reason=None
                )


def _media_type(job: Job) -> str:
    return FORMATS[job.aggregation.output].media_type
